import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createAuthority, type Certificate } from '../../../packages/balancer/test/support/certificates.ts'
import { folder, replaceFile, startBackend, startSite, until } from './reloading.ts'
import { askSecurely, serialAt, serialOf, wss } from './secure.ts'

/** So many connections are open while a certificate is replaced. */
const CONNECTIONS = 50

/** What is logged when certificates have been read again, and are taken. */
const TAKEN = /new certificates are in force/
/** And when they are not, since they are broken or not those of their keys. */
const KEPT = /certificates are kept as they were/

/** A gateway in a process of its own, with a certificate in files of its own. */
async function startSecureSite(t: TestContext, place: (first: Certificate) => readonly [string, string]) {
  const authority = createAuthority(t)
  const first = authority.issue(['a.test'])
  const [cert, key] = place(first)
  const backend = await startBackend(t, 'backend')
  const config = {
    listen: { port: 0, host: '127.0.0.1', tls: { cert, key } },
    workers: [backend.url],
    health: { schedule: '0 0 0 1 1 *' },
  }
  const site = await startSite(t, config)
  const { gateway } = site
  assert.match(await gateway.line(/listens on/), /https:\/\/127\.0\.0\.1:\d+/)
  const afterwards = (deed: () => void): Promise<string> => {
    const since = gateway.lines.length
    deed()
    return gateway.line(new RegExp(`${TAKEN.source}|${KEPT.source}`), since)
  }
  const serial = (): Promise<string> => serialAt(gateway.port, 'a.test')
  /**
   * Puts a certificate in place, in as many steps as that takes, and waits for a line upon which it is shown. Between two
   * steps the gateway may say that it keeps what it has; and it may say of one certificate twice that it is in force.
   */
  const renew = async (next: Certificate, deed: () => void): Promise<void> => {
    let since = gateway.lines.length
    deed()
    do since = gateway.lines.indexOf(await gateway.line(TAKEN, since), since) + 1
    while ((await serial()) !== serialOf(next))
  }
  const issue = (): Certificate => authority.issue(['a.test'])
  assert.equal(await serial(), serialOf(first))
  return {
    ...site,
    port: gateway.port,
    ca: authority.cert,
    cert,
    key,
    issue,
    afterwards,
    renew,
    serial,
    first,
  }
}

/** Files of their own in a folder. */
function plainFiles(t: TestContext): (first: Certificate) => readonly [string, string] {
  const path = folder(t)
  return (first) => {
    const [cert, key] = [join(path, 'cert.pem'), join(path, 'cert.key')]
    put(first.certFile, cert)
    put(first.keyFile, key)
    return [cert, key]
  }
}

/** Puts a copy in the place of a file in one step. */
function put(from: string, to: string): void {
  copyFileSync(from, `${to}~`)
  renameSync(`${to}~`, to)
}

/** Puts a link in the place of another in one step. */
function link(to: string, path: string): void {
  symlinkSync(to, `${path}~`)
  renameSync(`${path}~`, path)
}

suite('a certificate that is replaced', () => {
  test('is shown to new connections, and the open ones go on: no request of 50 clients fails', async (t) => {
    const { port, ca, cert, key, issue, renew, first } = await startSecureSite(t, plainFiles(t))
    const socket = wss(port, { ca })
    await once(socket, 'open')
    const serials = new Set<string>()
    const kept = new Set<string>()
    const work = { isOver: false }
    let answers = 0
    const agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    t.after(() => agents.forEach((agent) => agent.destroy()))
    const exchange = async (agent: Agent, i: number): Promise<void> => {
      const isNew = i % 5 === 0 // these come anew for each request
      const { status, serial } = await askSecurely(port, 'a.test', { ca, agent: isNew ? false : agent })
      assert.equal(status, 200)
      answers++
      ;(isNew ? serials : kept).add(serial)
    }
    await Promise.all(agents.map(exchange)) // so that all connections to be kept stand
    const clients = agents.map(async (agent, i) => {
      while (!work.isOver) await exchange(agent, i)
    })
    clients.push(
      (async () => {
        for (let i = 0; i < 3; i++) {
          const next = issue()
          await renew(next, () => {
            put(next.certFile, cert)
            put(next.keyFile, key)
          })
          const serial = serialOf(next)
          await until('the clients that come anew see it', () => serials.has(serial))
        }
      })().finally(() => (work.isOver = true)),
    )
    await Promise.all(clients)
    assert.equal(serials.size, 4)
    assert.deepEqual(Array.from(kept), [serialOf(first)], 'who stays has what he had')
    assert.ok(answers > CONNECTIONS)
    socket.send('still here')
    assert.equal(String((await once(socket, 'message'))[0]), 'still here')
    socket.terminate()
  })

  test('and is broken, or not that of its key, leaves the old one, until it is right', async (t) => {
    const { cert, key, issue, afterwards, serial, first } = await startSecureSite(t, plainFiles(t))
    const second = issue()
    for (const [deed, line] of [
      [() => replaceFile(cert, 'broken'), /:6:15: listen\.tls\.cert: ".*" has no certificate in it; /],
      [() => writeFileSync(cert, ''), /:6:15: listen\.tls\.cert: ".*" has no certificate in it; /],
      [() => put(second.certFile, cert), /:7:14: listen\.tls\.key: ".*" is not the key of the certificate /],
    ] as const) {
      assert.match(await afterwards(deed), line)
      assert.equal(await serial(), serialOf(first))
    }
    assert.match(await afterwards(() => put(second.keyFile, key)), /in force/)
    assert.equal(await serial(), serialOf(second))
  })

  test('is read by the config that is in force, whatever its file says by now', async (t) => {
    const { cert, key, issue, renew, change } = await startSecureSite(t, plainFiles(t))
    assert.match(await change('listen: nonsense\n'), /not reloaded: /)
    const second = issue()
    await renew(second, () => {
      put(second.certFile, cert)
      put(second.keyFile, key)
    })
  })

  test('is seen where Kubernetes swaps the folder that it is in', async (t) => {
    const path = folder(t)
    const mount = (name: string, { certFile, keyFile }: Certificate): void => {
      mkdirSync(join(path, name))
      copyFileSync(certFile, join(path, name, 'tls.crt'))
      copyFileSync(keyFile, join(path, name, 'tls.key'))
      link(name, join(path, '..data'))
    }
    const { issue, renew, gateway } = await startSecureSite(t, (first) => {
      mount('..1', first)
      symlinkSync('..data/tls.crt', join(path, 'tls.crt'))
      symlinkSync('..data/tls.key', join(path, 'tls.key'))
      return [join(path, 'tls.crt'), join(path, 'tls.key')]
    })
    for (const i of [2, 3, 4]) {
      const next = issue()
      await renew(next, () => {
        mount(`..${i}`, next)
        rmSync(join(path, `..${i - 1}`), { recursive: true })
      })
    }
    assert.doesNotMatch(gateway.lines.join('\n'), KEPT, 'they came in one step')
  })

  test('is seen where a link on the way to it leads elsewhere, as certbot has them', async (t) => {
    const path = folder(t)
    mkdirSync(join(path, 'live'))
    mkdirSync(join(path, 'archive'))
    const lead = (i: number, { certFile, keyFile }: Certificate): void => {
      copyFileSync(certFile, join(path, `archive/cert${i}.pem`))
      copyFileSync(keyFile, join(path, `archive/key${i}.pem`))
      link(`../archive/cert${i}.pem`, join(path, 'live/cert.pem'))
      link(`../archive/key${i}.pem`, join(path, 'live/key.pem'))
    }
    const { issue, renew, gateway } = await startSecureSite(t, (first) => {
      lead(1, first)
      symlinkSync('live', join(path, 'now'))
      return [join(path, 'now/cert.pem'), join(path, 'now/key.pem')]
    })
    const second = issue()
    await renew(second, () => lead(2, second))
    const third = issue()
    mkdirSync(join(path, 'other'))
    copyFileSync(third.certFile, join(path, 'other/cert.pem'))
    copyFileSync(third.keyFile, join(path, 'other/key.pem'))
    const since = gateway.lines.length
    await renew(third, () => link('other', join(path, 'now')))
    assert.doesNotMatch(gateway.lines.slice(since).join('\n'), KEPT, 'they came in one step')
  })

  test('is one of those that a reload has named, and no more one that it does not', async (t) => {
    const { cert, key, issue, renew, serial, change, gateway } = await startSecureSite(t, plainFiles(t))
    const path = folder(t)
    const mount = (name: string, { certFile, keyFile }: Certificate): void => {
      mkdirSync(join(path, name))
      copyFileSync(certFile, join(path, name, 'cert.pem'))
      copyFileSync(keyFile, join(path, name, 'cert.key'))
      link(name, join(path, 'now')) // both in one step, so that there is no moment in which they do not match
    }
    const second = issue()
    mount('second', second)
    const others = { cert: join(path, 'now/cert.pem'), key: join(path, 'now/cert.key') }
    const listen = { port: 0, host: '127.0.0.1', tls: others }
    assert.match(await change({ listen, routes: [{ answer: { status: 200 } }] }), /in force/)
    assert.equal(await serial(), serialOf(second))
    const since = gateway.lines.length
    writeFileSync(cert, 'broken')
    writeFileSync(key, 'broken')
    const third = issue()
    await renew(third, () => mount('third', third))
    assert.doesNotMatch(gateway.lines.slice(since).join('\n'), KEPT)
  })
})
