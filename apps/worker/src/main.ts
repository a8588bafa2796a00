import { createWorker } from './app.ts'
import { explainListenError, readSettings } from './settings.ts'

/** One line on stderr and exit code 1. */
function giveUp(why: string): never {
  process.stderr.write(`worker: ${why}\n`)
  process.exit(1)
}

const { port, ...named } = (() => {
  try {
    return readSettings(process.env)
  } catch (error) {
    return giveUp(error instanceof Error ? error.message : String(error))
  }
})()
const stop = new AbortController()
const server = createWorker({ ...named, signal: stop.signal })

server.once('error', (error: NodeJS.ErrnoException) => {
  giveUp(explainListenError(error, port) ?? String(error))
})
server.listen(port, () => {
  const address = server.address()
  const bound = typeof address === 'object' ? address?.port : port
  console.log(`worker ${named.name ?? bound} listens on http://localhost:${bound}`)
})

// Once: a second Ctrl-C is for those who do not want to wait.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
