// To be imported by each process of a gateway: it notes in the folder ACCEPTED which connections it takes, and aborts on SIGWINCH.
// One that serves stands still before it has loaded anything else, where the folder TRAPS has a file of its place's number.
import { subscribe } from 'node:diagnostics_channel'
import { existsSync, openSync, renameSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'

const { ACCEPTED, TRAPS, RONDO_PROCESS } = process.env
const file = openSync(`${ACCEPTED}/${process.pid}`, 'a')

subscribe('net.server.socket', (message) => {
  const { remotePort } = (message as { socket: Socket }).socket
  writeSync(file, `${Date.now()} ${remotePort}\n`) // at once: it may be the last that the process does
})
process.on('SIGWINCH', () => process.abort())

const trap = `${TRAPS}/${RONDO_PROCESS}`
if (RONDO_PROCESS !== undefined && existsSync(trap)) {
  renameSync(trap, `${trap} ${process.pid}`) // it is for one alone
  process.kill(process.pid, 'SIGSTOP')
}
