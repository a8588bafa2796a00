export interface Settings {
  readonly port: number
  readonly name?: string
}

/** PORT (3001; 0 takes any free port) and NAME (the port). An empty variable counts as unset. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const port = env['PORT'] || '3001'
  if (!/^\d+$/.test(port) || Number(port) > 65_535) {
    throw new Error(`PORT is ${JSON.stringify(port)}: set it to a whole number from 0 to 65535`)
  }
  const name = env['NAME']
  return name ? { port: Number(port), name } : { port: Number(port) }
}

/** What to do about a port that cannot be listened on; `undefined` when the error is about something else. */
export function explainListenError(error: NodeJS.ErrnoException, port: number): string | undefined {
  if (error.code === 'EADDRINUSE') return `PORT is ${port}, but that port is taken: set PORT to a free one`
  if (error.code === 'EACCES')
    return `PORT is ${port}, which you may not listen on: set PORT to 1024 or above`
  return undefined
}
