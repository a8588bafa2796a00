import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { withoutSecrets } from '../src/config/secrets.ts'
import { parse } from '../src/config/load.ts'
import { lines, startSite, startWorkers } from './admin-site.ts'

const SECRET = 'hunter2-hunter2-hunter2-hunter2-hunter2'
const YAML = { 'Content-Type': 'application/yaml' }

suite('a plan tells nobody what the environment has', () => {
  for (const [what, text] of [
    ['where it is wrong', 'listen: "${HUSH}"'],
    ['as a part of what is wrong', 'workers: ["ftp://${HUSH}"]'],
    ['as the default of nothing', 'listen: "${HUSH:-8080}"'],
    ['as a worker', 'workers: ["http://${HUSH}"]'],
    [
      'as a value of a header',
      'workers: ["http://a"]\nroutes: [{ pool: default, headers: { set: { x-a: "${HUSH}" } } }]',
    ],
    ['as the name of a file', 'log: { file: "${HUSH}" }'],
    ['as the name of the file of a key', 'listen: { port: 0, tls: { cert: none.pem, key: "${HUSH}" } }'],
    ['by an anchor of a secret', 'admin: { token: &a "${HUSH}" }\nlisten: *a'],
    ['by an anchor above a secret', 'sticky: &a { secret: "${HUSH}" }\nhealth: *a'],
    ['where the config in force has it as a secret', 'listen: "${STICKY}"'],
  ] as const)
    test(what, async (t) => {
      const [worker] = await startWorkers(t, 'a')
      const fields = { workers: [worker?.url], sticky: { secret: '${STICKY}' } }
      const { call } = await startSite(t, fields, { HUSH: SECRET, STICKY: SECRET })
      const { status, text: answer } = await call('POST', '/plan', { body: text, headers: YAML })
      assert.equal(status, 422, answer)
      assert.match(answer, /the environment's (HUSH|STICKY) is not to be seen; a plan has variables where/)
      assert.doesNotMatch(answer + lines.join('\n'), /hunter2/i)
    })

  test('but goes by it for secrets, and for what the config in force shows', async (t) => {
    const [worker] = await startWorkers(t, 'a')
    const env = { STICKY: SECRET, WORKER: worker?.url, PLACE: '127.0.0.1:0' }
    const fields = { workers: ['${WORKER}'], sticky: { secret: '${STICKY}' } }
    const { call } = await startSite(t, fields, env)
    const text =
      'listen: "${PLACE}"\nworkers: ["${WORKER}", "http://127.0.0.1:1"]\nadmin: { token: "${STICKY}" }\n'
    const { status, text: answer } = await call('POST', '/plan', { body: text, headers: YAML })
    assert.equal(status, 200, answer)
    assert.match(answer, /"added":\[\{"id":"127.0.0.1:1"/)
    assert.doesNotMatch(answer, /hunter2/)
  })
})

suite('no error shows', () => {
  test('the passphrase of an admin listener that asks for no token', () => {
    const tls = { cert: 'none.pem', key: 'none.pem', passphrase: SECRET }
    const text = JSON.stringify({ admin: { listen: { port: 8443, tls } } })
    assert.throws(() => parse('f', text, {}), {
      name: 'ConfigError',
      message: /^(?=.*asks for no token)(?!.*hunter2)/s,
    })
  })

  for (const url of [
    `http://user:pa/${SECRET}@a:80`,
    `http://user:p@${SECRET}@a:80`,
    `http://user:p@x/${SECRET}@a:80`,
    `http://user:p ${SECRET}@a:80`,
    `http://user:p"${SECRET}@a:80`,
    `http://user:${SECRET.repeat(4)}@a:80`,
    `http:\\\\user:${SECRET}@a:80`,
    `http:/user:${SECRET}@a:80`,
    `user:${SECRET}@a:80`,
  ])
    test(`the password of ${url.slice(0, 40)}`, async (t) => {
      for (const worker of [url, { url }])
        assert.throws(() => parse('f', JSON.stringify({ workers: [worker] }), {}), {
          name: 'ConfigError',
          message: /^(?=.*\(hidden\)@a)(?!.*hunter2)/s,
        })
      assert.throws(() => parse('f', JSON.stringify({ workers: [url, 'http://b', 7] }), {}), {
        message: /^(?!.*hunter2)/s,
      })
      const [worker] = await startWorkers(t, 'a')
      const { call } = await startSite(t, { workers: [worker?.url] })
      const { status, text } = await call('POST', '/workers/default', { body: { url } })
      assert.equal(status, 422)
      assert.doesNotMatch(text + lines.join('\n'), /hunter2/)
    })

  test('what a header is to have whose name says that it is secret', () => {
    for (const name of ['x-auth', 'Authorization', 'x-access-key', 'x-credential', 'x-signature'])
      assert.throws(() => parse('f', JSON.stringify({ routes: [{ header: { [name]: SECRET } }] }), {}), {
        message: /^(?!.*hunter2)/s,
      })
  })
})

test('a URL that has no password is shown as it is', () => {
  for (const url of ['https://host/@somebody', 'http://host:80', 'Write to: me@example.com', '/a:b', 'a@b'])
    assert.equal(withoutSecrets(url), url)
})
