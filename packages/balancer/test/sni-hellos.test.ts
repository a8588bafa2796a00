import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { suite, test, type TestContext } from 'node:test'
import { connect, type SecureVersion } from 'node:tls'
import { ClientHelloReader, type ClientHello } from '../src/tcp/client-hello.ts'
import { bytewise, nodeHello } from './support/client-hellos.ts'
import { sniStage } from './support/sni-stage.ts'

/** Hellos of a program that is given a port; each is refused when it has been read. */
async function hellosOf(
  t: TestContext,
  command: string,
  args: (port: number) => string[],
): Promise<ClientHello[]> {
  const hellos: ClientHello[] = []
  const { port } = await sniStage(
    t,
    { 'none.test': () => {} },
    {
      onRefused: (kind, _socket, hello) => {
        assert.equal(kind, 'no-route')
        if (hello) hellos.push(hello)
      },
    },
  )
  const child = execFile(command, args(port), { timeout: 10_000 })
  child.stdin?.end()
  await new Promise((resolve) => child.once('close', resolve))
  return hellos
}

const VERSIONS: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

const { stdout: curl } = spawnSync('curl', ['--version'], { encoding: 'utf8' })
const noCurl = /HTTP2/.test(curl ?? '') ? false : 'there is no curl that speaks HTTP/2'

suite('the hello of a real client', () => {
  test('of Node is read in any TLS, whole and byte by byte', async () => {
    for (const version of VERSIONS)
      for (const [servername, ALPNProtocols] of [
        ['a.test', ['h2', 'http/1.1']],
        ['a.test', undefined],
        [undefined, ['h2']],
        [`${'x'.repeat(60)}.`.repeat(4).concat('test'), ['http/1.1']],
      ] as const) {
        const bytes = await nodeHello({
          minVersion: version,
          maxVersion: version,
          ciphers: 'ALL:@SECLEVEL=0',
          ...(servername !== undefined && { servername }),
          ...(ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] }),
        })
        const expected = { serverName: servername, protocols: ALPNProtocols ?? [] }
        assert.deepEqual(new ClientHelloReader().push(bytes), expected, version)
        const reader = new ClientHelloReader()
        const last = bytewise(bytes).map((byte) => reader.push(byte))
        assert.deepEqual(last.pop(), expected, version)
        assert.ok(last.every((hello) => hello === undefined))
      }
  })

  for (const version of ['-tls1_2', '-tls1_3', ''])
    test(`of openssl s_client ${version} is read`, async (t) => {
      const of = (...more: string[]): Promise<ClientHello[]> =>
        hellosOf(t, 'openssl', (port) => [
          's_client',
          '-connect',
          `127.0.0.1:${port}`,
          ...(version ? [version] : []),
          ...more,
        ])
      assert.deepEqual(await of('-servername', 'A.test'), [{ serverName: 'a.test', protocols: [] }])
      assert.deepEqual(await of('-noservername'), [{ serverName: undefined, protocols: [] }])
      assert.deepEqual(await of('-servername', 'a.test', '-alpn', 'h2,http/1.1'), [
        { serverName: 'a.test', protocols: ['h2', 'http/1.1'] },
      ])
    })

  for (const version of [['--tls-max', '1.2'], ['--tlsv1.3'], []])
    test(`of curl ${version.join(' ')} is read`, { skip: noCurl }, async (t) => {
      const of = (host: string, ...more: string[]): Promise<ClientHello[]> =>
        hellosOf(t, 'curl', (port) => [
          '-sk',
          ...version,
          ...more,
          '--resolve',
          `a.test:${port}:127.0.0.1`,
          `https://${host}:${port}/`,
        ])
      const both = ['h2', 'http/1.1']
      assert.deepEqual(await of('a.test'), [{ serverName: 'a.test', protocols: both }])
      assert.deepEqual(await of('a.test', '--http1.1'), [{ serverName: 'a.test', protocols: ['http/1.1'] }])
      assert.deepEqual(await of('a.test', '--no-alpn'), [{ serverName: 'a.test', protocols: [] }])
      assert.deepEqual(await of('127.0.0.1'), [{ serverName: undefined, protocols: both }])
    })

  test('is told in the client’s own words that its name is unknown', async (t) => {
    const { port } = await sniStage(t, { 'none.test': () => {} })
    const said = await new Promise<string>((resolve) => {
      const child = execFile(
        'openssl',
        ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.test'],
        { timeout: 10_000 },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      )
      child.stdin?.end()
    })
    assert.match(said, /unrecognized name/)
    const error = await new Promise<NodeJS.ErrnoException>((resolve) =>
      connect({ port, host: '127.0.0.1', servername: 'a.test' }).once('error', resolve),
    )
    assert.equal(error.code, 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME')
  })
})
