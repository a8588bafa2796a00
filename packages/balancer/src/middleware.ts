import type { IncomingMessage, ServerResponse } from 'node:http'

/** Called when a request is somebody else's, or with the error that ended it. */
export type Next = (error?: unknown) => void

/** Express middleware that works under plain `http.createServer` too, where there is no `next`. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next?: Next) => Promise<void> | void
