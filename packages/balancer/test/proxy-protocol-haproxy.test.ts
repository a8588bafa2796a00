import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { balanceTcp, createPool } from '../src/index.ts'
import { STEADY } from './support/app.ts'
import { createAuthority } from './support/certificates.ts'
import { listen } from './support/listen.ts'
import { accepting, all, dialed, endsOf } from './support/proxied.ts'
import { start } from './support/programs.ts'
import { until } from './support/until.ts'

const HAPROXY = ['haproxy', '/usr/sbin/haproxy'].find((path) => spawnSync(path, ['-v']).status === 0)
const skip = HAPROXY === undefined && 'haproxy is missing: apt-get install haproxy'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

/**
 * Starts HAProxy with one proxy, whose `bind` has this option and whose configuration these lines; resolves with its
 * port when it takes connections.
 */
async function startHaproxy(
  t: TestContext,
  lines: readonly string[],
  { bind = '', mode = 'tcp', host = '127.0.0.1' } = {},
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-haproxy-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'haproxy.cfg')
  const control = join(folder, 'control')
  const address = host.includes(':') ? `[${host}]` : host
  for (;;) {
    const port = anyPort()
    const times = ['timeout connect 5s', 'timeout client 10s', 'timeout server 10s']
    const config = ['global', 'maxconn 100', 'noreuseport', `stats socket ${control}`, 'defaults']
    config.push(`mode ${mode}`, ...times, 'listen all', `bind ${address}:${port} ${bind}`, ...lines, '')
    writeFileSync(file, config.join('\n'))
    const complaint = await startWith(t, file, control)
    if (complaint === undefined) return port
    if (!complaint.includes('Address already in use')) throw new Error(`HAProxy does not start: ${complaint}`)
  }
}

/** Undefined once it answers, which is after it has bound its port; what it has said where it ended instead. */
async function startWith(t: TestContext, file: string, control: string): Promise<string | undefined> {
  const child = start(t, `${HAPROXY}`, ['-db', '-f', file])
  let [said, isOver] = ['', false]
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => void (said += data))
  child.on('close', () => (isOver = true))
  let isUp = false
  await until('HAProxy is up or over', async () => {
    isUp = await answers(control)
    return isUp || isOver
  })
  return isUp ? undefined : said
}

/** Whether HAProxy has begun its work: its control socket is there before, and is not heard. */
async function answers(control: string): Promise<boolean> {
  const socket = connect(control).end('show info\n')
  return all(socket).then(
    (answer) => answer.includes('Pid: '),
    () => false,
  )
}

/** A port that HAProxy is to try: below those that the system gives out itself, so that hardly anybody has it. */
function anyPort(): number {
  return 10_000 + Math.floor(Math.random() * 20_000)
}

suite('with HAProxy', { skip }, () => {
  const sends = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id']
  for (const send of sends)
    for (const host of ['127.0.0.1', '::1'])
      test(`that says ${send}, requests show the client at ${host}`, async (t) => {
        const server = createHttp((req, res) => void res.end(endsOf(req.socket)))
        const { port, refused } = await accepting(t, server)
        const proxy = await startHaproxy(
          t,
          ['unique-id-format %[rand]', `server one 127.0.0.1:${port} ${send}`],
          {
            host,
          },
        )
        for (let i = 0; i < 5; i++) {
          const socket = await dialed(t, proxy, host)
          const { localPort } = socket
          const answer = all(socket)
          socket.write(GET)
          const family = host === '::1' ? 'IPv6' : 'IPv4'
          const expected = `\r\n\r\n${host}:${localPort} ${family} > ${host}:${proxy}`
          assert.ok((await answer).endsWith(expected), `${await answer} is not ${expected}`)
        }
        assert.deepEqual(refused, [])
      })

  test('that brings TLS, requests show the client', async (t) => {
    const tls = createAuthority(t).issue(['127.0.0.1'])
    const server = createHttps(tls, (req, res) => void res.end(endsOf(req.socket)))
    const { port } = await accepting(t, server)
    const proxy = await startHaproxy(t, [`server one 127.0.0.1:${port} ssl verify none send-proxy-v2-ssl-cn`])
    const socket = await dialed(t, proxy)
    const { localPort } = socket
    const answer = all(socket)
    socket.write(GET)
    assert.ok((await answer).endsWith(`\r\n\r\n127.0.0.1:${localPort} IPv4 > 127.0.0.1:${proxy}`))
  })

  for (const option of ['send-proxy-v2', 'send-proxy'])
    test(`that checks health with ${option}, the check is let in`, async (t) => {
      const seen = new Set<string | undefined>()
      const server = createHttp((req, res) => {
        seen.add(req.socket.remoteAddress)
        res.end()
      })
      const { port, refused } = await accepting(t, server)
      const line = `server one 127.0.0.1:${port} check inter 50ms check-${option.replace('-v2', '')} ${option}`
      await startHaproxy(t, ['option httpchk GET /', line])
      await until('it has been checked', () => seen.size > 0)
      assert.deepEqual([[...seen], refused], [['127.0.0.1'], []])
    })

  for (const version of ['v1', 'v2'] as const)
    for (const host of ['127.0.0.1', '::1', '::'])
      test(`that says accept-proxy, it takes what is sent as ${version}, with a listener at ${host}`, async (t) => {
        const worker = await startHaproxy(
          t,
          [
            'http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port]"',
          ],
          { bind: 'accept-proxy', mode: 'http' },
        )
        const pool = createPool([`http://127.0.0.1:${worker}`], STEADY)
        const balance = balanceTcp(pool, { proxyProtocol: { send: version } })
        t.after(async () => {
          await balance.close({ timeout: 1 })
          await pool.close({ timeout: 1 })
        })
        const port = await listen(
          t,
          createServer((client) => balance(client)),
          host,
        )
        const client = host === '::' ? '127.0.0.1' : host
        const socket = await dialed(t, port, client)
        const { localPort } = socket
        const answer = all(socket)
        socket.write(GET)
        assert.match(await answer, new RegExp(`\r\n\r\n${client}:${localPort} ${client}:${port}$`))
      })
})
