// To be imported by each process of a gateway: it notes in the folder ACCEPTED which connections it takes, and aborts on SIGWINCH.
import { subscribe } from 'node:diagnostics_channel'
import { openSync, writeSync } from 'node:fs'
import type { Socket } from 'node:net'

const file = openSync(`${process.env['ACCEPTED']}/${process.pid}`, 'a')

subscribe('net.server.socket', (message) => {
  const { remotePort } = (message as { socket: Socket }).socket
  writeSync(file, `${Date.now()} ${remotePort}\n`) // at once: it may be the last that the process does
})
process.on('SIGWINCH', () => process.abort())
