import replyFrom from '@fastify/reply-from'
import fastify from 'fastify'
import { inTurn, type Opened, type Place, type Subject } from '../subject.ts'

/** @fastify/reply-from on Fastify, without log, bodies passed through as streams. */
export const replyFromSubject: Subject = {
  name: 'reply-from',
  label: '@fastify/reply-from',
  carries: ['tls'],
  start: { kind: 'script', file: import.meta.url, package: '@fastify/reply-from' },
}

export async function open({ backends }: Place): Promise<Opened> {
  const app = fastify()
  await app.register(replyFrom, { disableRequestLogging: true, undici: { pipelining: 1 } })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  const next = inTurn(backends)
  app.all('/*', (_request, reply) => reply.from(undefined, { getUpstream: next }))
  await app.ready()
  return { listener: (req, res) => app.routing(req, res) }
}
