import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parse } from '../src/config/load.ts'

suite('variables of the environment in values of a file', () => {
  for (const [text, env, expected] of [
    ['listen: ${A}', { A: '8081' }, 8081],
    ['listen: "${A}"', { A: '8081' }, 8081],
    ['{"listen": "${A}"}', { A: '8081' }, 8081],
    ['listen: ${A:-8082}', {}, 8082],
    ['listen: ${A:-8082}', { A: '' }, 8082],
    ['listen: ${A:-8082}', { A: '8081' }, 8081],
    ['listen: 127.0.0.1:${A}', { A: '8081' }, 8081],
    ['listen: ["${HOST:-127.0.0.1}:${A:-80}${B:-}"]', { A: '808', B: '3' }, 8083],
    ['listen: "${HOST:-[::1]}:${A}"', { A: '8081' }, 8081],
  ] as const)
    test(`${text} with ${JSON.stringify(env)} listens on ${expected}`, () => {
      assert.equal(parse('f', text, env).config.listen[0]?.port, expected)
    })

  test('a variable that is a whole value is what it would be in the file', () => {
    const text = `
routes: [{ pool: default, path: /a, strip: "\${STRIP}" }, { answer: { status: "\${STATUS}", body: "\${BODY}" } }]
workers: [{ url: "\${URL}", weight: "\${WEIGHT}" }]
limits: { body: "\${SIZE}" }
shutdown: \${TIME}
metrics: \${METRICS}
`
    const env = {
      STRIP: 'true',
      STATUS: '404',
      BODY: 'no: {such} thing',
      URL: 'http://a:1',
      WEIGHT: '0.5',
      SIZE: '1KiB',
      TIME: '2s',
      METRICS: 'off',
    }
    const { routes, pools, shutdown, metrics } = parse('f', text, env).config
    assert.equal(routes[0]?.strip, true)
    assert.deepEqual(routes[1]?.answer, { status: 404, body: 'no: {such} thing' })
    assert.deepEqual(pools.get('default')?.workers, [{ url: 'http://a:1', weight: 0.5 }])
    assert.deepEqual(pools.get('default')?.options.limits, { body: 1024 })
    assert.equal(shutdown, 2000)
    assert.equal(metrics, false)
  })

  test('what only looks like a number stays a text', () => {
    const secret = '1234567890'.repeat(4)
    const { pools } = parse('f', 'sticky: { secret: "${SECRET}", name: "${NAME}" }', {
      SECRET: secret,
      NAME: '007',
    }).config
    assert.deepEqual(pools.get('default')?.options.sticky, { secret, name: '007' })
  })

  test('a value brings in no YAML and no other variables', () => {
    const body = '${B}\nlisten: 81'
    const { routes, listen } = parse('f', 'listen: 80\nroutes: [{ answer: { status: 200, body: "${A}" } }]', {
      A: body,
      B: 'b',
    }).config
    assert.equal(routes[0]?.answer?.body, body)
    assert.equal(listen[0]?.port, 80)
  })

  test('a default may have what a path or a URL has, "$" too', () => {
    const text = 'routes: [{ redirect: { to: "${TO:-https://b.test:8443$path}" } }]'
    assert.equal(parse('f', text, {}).config.routes[0]?.redirect?.to, 'https://b.test:8443$path')
  })

  test('keys and comments are left as they are', () => {
    const text = '# ${NONE}\nroutes: [{ pool: default, header: { x-a: "${A}" } }] # ${NONE}'
    assert.deepEqual(parse('f', text, { A: 'a' }).config.routes[0]?.header, { 'x-a': 'a' })
  })

  test('an anchor has its variables wherever it is named', () => {
    const text = 'pools:\n  a: { workers: &w ["${A}"] }\n  b: { workers: *w }'
    const { pools } = parse('f', text, { A: 'http://a:1' }).config
    assert.deepEqual(pools.get('b')?.workers, ['http://a:1'])
  })
})

suite('PORT, WORKERS and FORWARDER', () => {
  const env = { PORT: '8081', WORKERS: 'http://b:1, http://c:1', FORWARDER: 'http-proxy' }
  const expected = ['http://b:1', 'http://c:1']

  test('are set over what the top level says', () => {
    const { listen, pools } = parse('f', 'listen: 80\nworkers: [http://a:1]\nforwarder: undici', env).config
    assert.deepEqual(listen, [{ host: undefined, port: 8081 }])
    assert.deepEqual(pools.get('default')?.workers, expected)
    assert.equal(pools.get('default')?.forwarder, 'http-proxy-middleware')
  })

  test('are set over what pools say of the pool default, and the rest of it stays', () => {
    const text = 'pools: { default: { workers: [http://a:1], forwarder: undici, strategy: ip-hash } }'
    const { pools } = parse('f', text, env).config
    assert.deepEqual(pools.get('default')?.workers, expected)
    assert.equal(pools.get('default')?.forwarder, 'http-proxy-middleware')
    assert.equal(pools.get('default')?.options.strategy, 'ip-hash')
  })

  test('leave the other pools alone', () => {
    const { pools } = parse('f', 'pools: { api: { workers: [http://a:1], forwarder: undici } }', env).config
    assert.deepEqual(pools.get('api')?.workers, ['http://a:1'])
    assert.equal(pools.get('api')?.forwarder, 'undici')
    assert.deepEqual(pools.get('default')?.workers, expected)
  })
})
