import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { suite, test, type TestContext } from 'node:test'
import type { AddressInfo } from 'node:net'
import { parse } from '../src/config/load.ts'
import { findAdmin } from '../src/commands/find-admin.ts'
import { planLines } from '../src/commands/plan-lines.ts'
import { planOf, type Plan } from '../src/plan.ts'
import { startBackend, startSite, type Site } from './reloading.ts'
import { fakeAdmin, rondo } from './rondo.ts'

const TOKEN = '0123456789abcdef'
const FILE = 'workers: [http://a.test]\n'
const EMPTY: Plan = planOf(
  { config: parse('', FILE, {}).config, pools: new Map() },
  parse('', FILE, {}).config,
)
const NOTHING: Plan = { ...EMPTY, isEmpty: true, pools: { added: [], removed: [], changed: [] } }

/** A gateway with an admin API, and what `rondo plan` says to a file. */
async function planned(
  t: TestContext,
  config: object,
): Promise<Site & { admin: string; plan: (text: string, ...args: string[]) => ReturnType<typeof rondo> }> {
  const site = await startSite(t, { listen: 0, admin: '127.0.0.1:0', ...config }, { ADMIN: undefined })
  const [admin = ''] = /http:\S+$/.exec(await site.gateway.line(/admin API on/)) ?? []
  return {
    ...site,
    admin,
    plan: (text, ...args) =>
      rondo(t, ['plan', 'next.yaml', '--admin', admin, ...args], { 'next.yaml': text }),
  }
}

suite('rondo plan', () => {
  test('says that nothing would change, to the file that is in force', async (t) => {
    const config = { listen: 0, admin: '127.0.0.1:0', workers: ['http://127.0.0.1:1'] }
    const { plan } = await planned(t, config)
    assert.deepEqual(await plan(JSON.stringify(config)), {
      code: 0,
      stdout: 'nothing would change\n',
      stderr: '',
    })
  })

  test('says what would change, and changes nothing', async (t) => {
    const [one, other] = [await startBackend(t, 'one'), await startBackend(t, 'other')]
    const { gateway, plan } = await planned(t, {
      workers: [
        { url: one.url, name: 'one' },
        { url: other.url, name: 'other' },
      ],
      pools: { old: { workers: [other.url] } },
      routes: [{ path: '/old', pool: 'old' }],
    })
    const stream = await fetch(`${gateway.url}/old/events`)
    const next = `
      listen: [0, '127.0.0.1:1']
      admin: 127.0.0.1:0
      workers: [{ url: ${one.url}, name: one, weight: 2 }, { url: http://127.0.0.1:1, name: new }]
      timeouts: { response: 10s }
      limits: { header: 32KiB }
      routes: [{ path: /old, answer: { status: 410 } }]
    `
    const { code, stdout, stderr } = await plan(next)
    assert.deepEqual([code, stderr], [0, ''])
    assert.deepEqual(stdout.split('\n'), [
      'listeners',
      '  + 127.0.0.1:1',
      'pools',
      '  - old: 1 worker',
      `    - ${other.id}: ${other.url}, 1 in flight, drained within 30s`,
      '  ~ default: 1 worker kept',
      '    + new: http://127.0.0.1:1',
      `    - other: ${other.url}, 0 in flight, drained within 30s`,
      '    ~ one: weight 1 → 2',
      '    ~ timeouts: (default) → { response: 10s }',
      'routes',
      '  ~ routes[0] { path: /old, answer: { status: 410 } }: pool: old → (default); answer: (default) → { status: 410 }',
      'other keys',
      '  ~ limits.header: 16KiB → 32KiB',
      '1 exchange in flight on workers that go; what is not over when their time ends is cut',
      '',
    ])
    assert.deepEqual(await plan(next), { code, stdout, stderr }, 'it is all to be done yet')
    await stream.body?.cancel()
  })

  test('counts the connections of listeners that would be closed', async (t) => {
    const { gateway, plan } = await planned(t, { workers: ['http://127.0.0.1:1'] })
    await fetch(gateway.url) // leaves its connection open
    const { stdout } = await plan('listen: 127.0.0.1:1\nadmin: 127.0.0.1:0\nworkers: [http://127.0.0.1:1]\n')
    assert.match(stdout, /^ {2}- 0, 1 open connection$/m)
  })

  test('tells the same as JSON', async (t) => {
    const { plan } = await planned(t, { workers: ['http://127.0.0.1:1'] })
    const { code, stdout } = await plan('listen: 0\nadmin: off\nworkers: [http://127.0.0.1:2]\n', '--json')
    const { isEmpty, pools, others } = JSON.parse(stdout) as Plan
    assert.deepEqual([code, isEmpty, pools.changed[0]?.added[0]?.url], [0, false, 'http://127.0.0.1:2'])
    assert.deepEqual(others, [{ key: 'admin', from: { listen: '127.0.0.1:0' }, to: 'off' }])
  })

  test('names a token as the file does, and shows none', async (t) => {
    const config = { listen: 0, admin: '127.0.0.1:0', workers: ['http://127.0.0.1:1'] }
    const { plan } = await planned(t, config)
    const token = 'a-token-that-nobody-knows'
    const { stdout } = await plan(
      JSON.stringify({ ...config, admin: { listen: config.admin, token } }),
      '--json',
    )
    assert.deepEqual((JSON.parse(stdout) as Plan).others, [{ key: 'admin.token', to: '(hidden)' }])
  })

  test('knows what was changed beside the file, and would hold', async (t) => {
    const config = { listen: 0, admin: '127.0.0.1:0', workers: ['http://127.0.0.1:1'] }
    const { admin, plan } = await planned(t, config)
    const added = await fetch(`${admin}/workers/default`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ url: 'http://127.0.0.1:2', name: 'added' }),
    })
    assert.ok(added.ok)
    assert.equal((await plan(JSON.stringify(config))).stdout, 'nothing would change\n')
    const { stdout } = await plan(JSON.stringify({ ...config, workers: ['http://127.0.0.1:3'] }))
    assert.match(stdout, /~ default: 1 worker kept\n {4}\+ 127\.0\.0\.1:3: \S+\n {4}- 127\.0\.0\.1:1: .*\n\D/)
  })

  test('says what is wrong with a file as rondo check does', async (t) => {
    const { plan } = await planned(t, { workers: ['http://127.0.0.1:1'] })
    const text = 'listen: {}\nworkers: []\nshutdown: 5\n'
    const checked = await rondo(t, ['check', 'next.yaml'], { 'next.yaml': text })
    assert.equal(checked.code, 1)
    assert.deepEqual(await plan(text), checked)
  })

  test("goes by the gateway's environment, not its own", async (t) => {
    const backend = await startBackend(t, 'one')
    const text = `listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0, token: "\${TEST_TOKEN}" }\nworkers: ["\${TEST_WORKER}"]\n`
    const env = { TEST_TOKEN: TOKEN, TEST_WORKER: backend.url, ADMIN: undefined }
    const site = await startSite(t, { workers: [backend.url] }, { ...env, ADMIN: '127.0.0.1:0', PORT: '0' })
    const [admin = ''] = /http:\S+$/.exec(await site.gateway.line(/admin API on/)) ?? []
    const { code, stderr } = await rondo(t, ['plan', 'next.yaml', '--admin', admin, '--token', 'x'], {
      'next.yaml': text,
    })
    assert.deepEqual([code, stderr], [0, ''])
  })

  test('says so of an empty file, and asks nobody', async (t) => {
    assert.deepEqual(await rondo(t, ['plan', 'next.yaml', '--admin', '1'], { 'next.yaml': '\n' }), {
      code: 1,
      stdout: '',
      stderr: 'next.yaml: is empty, and a reload would leave all as it is; give the whole config\n',
    })
  })

  test('says so of a file that is not there', async (t) => {
    const { code, stderr } = await rondo(t, ['plan', 'none.yaml'])
    assert.deepEqual([code, stderr], [1, 'none.yaml: cannot be read: there is no such file\n'])
  })

  test('has colours in terminals alone', async (t) => {
    const { plan } = await planned(t, { workers: ['http://127.0.0.1:1'] })
    const { stdout } = await plan('workers: [http://127.0.0.1:2]\n')
    assert.ok(!stdout.includes('\u001b'))
  })
})

suite('POST /plan', () => {
  for (const [what, type, body, status] of [
    ['no YAML', 'application/yaml', 'listen: [', 422],
    ['nothing', 'application/yaml', '', 422],
    ['a form, as a page might', 'application/x-www-form-urlencoded', 'workers=1', 415],
    ['more than a mebibyte', 'application/json', ' '.repeat(1024 ** 2 + 1), 413],
  ] as const)
    test(`answers ${status} to ${what}`, async (t) => {
      const { admin } = await planned(t, { workers: ['http://127.0.0.1:1'] })
      const answer = await fetch(`${admin}/plan`, { method: 'POST', headers: { 'Content-Type': type }, body })
      assert.equal(answer.status, status)
      const { detail } = (await answer.json()) as { detail: string }
      assert.notEqual(detail, '')
    })
})

suite('the gateway that rondo plan asks', () => {
  const said = (port: number): Readonly<Record<string, string>> => ({
    'next.yaml': `admin: { listen: 127.0.0.1:${port}, token: ${TOKEN} }\nworkers: ["\${NOT_SET_HERE}"]\n`,
  })

  test('gets the text of the file, and the token that the file gives', async (t) => {
    const admin = await fakeAdmin(t, () => ({ body: NOTHING }))
    const files = said(admin.port)
    assert.deepEqual(await rondo(t, ['plan', 'next.yaml'], files), {
      code: 0,
      stdout: 'nothing would change\n',
      stderr: '',
    })
    const [asked] = admin.asked
    assert.deepEqual([asked?.method, asked?.url, asked?.body], ['POST', '/plan', files['next.yaml']])
    assert.deepEqual(
      [asked?.headers.authorization, asked?.headers['content-type']],
      [`Bearer ${TOKEN}`, 'application/yaml'],
    )
  })

  test('is the one of the options, else of the environment, else of the file', async (t) => {
    const [option, variable, file] = await Promise.all(
      [1, 2, 3].map(() => fakeAdmin(t, () => ({ body: NOTHING }))),
    )
    assert.ok(option && variable && file)
    const env = { RONDO_ADMIN: `127.0.0.1:${variable.port}`, RONDO_TOKEN: 'of-the-environment' }
    const args = ['plan', 'next.yaml']
    await rondo(t, [...args, '--admin', `${option.url}/`, '--token', 'of-the-options'], said(file.port), env)
    await rondo(t, args, said(file.port), env)
    await rondo(t, args, said(file.port))
    assert.deepEqual(
      [option, variable, file].map(({ asked }) => asked.map(({ headers }) => headers.authorization)),
      [['Bearer of-the-options'], ['Bearer of-the-environment'], [`Bearer ${TOKEN}`]],
    )
  })

  test('is found by variables of the file, and those that are not set matter only where they are needed', async (t) => {
    const admin = await fakeAdmin(t, () => ({ body: NOTHING }))
    const files = {
      'next.yaml':
        'admin: { listen: "127.0.0.1:${P}", token: ["${T}", "${OLD}"] }\nworkers: ["${NOT_SET_HERE}"]\n',
    }
    const P = String(admin.port)
    assert.equal((await rondo(t, ['plan', 'next.yaml'], files, { P, T: TOKEN })).code, 0)
    assert.equal((await rondo(t, ['plan', 'next.yaml', '--admin', P], files, { T: TOKEN })).code, 0)
    assert.equal((await rondo(t, ['plan', 'next.yaml', '--token', TOKEN], files, { P })).code, 0)
    assert.deepEqual(await rondo(t, ['plan', 'next.yaml'], files, { P }), {
      code: 1,
      stdout: '',
      stderr:
        'admin.token: the environment has no T; set it, or give a default as ${T:-value}; or say where the gateway is with --admin and --token\n',
    })
    assert.equal(admin.asked.length, 3)
  })

  test('is the usual one where the file says nothing, or that there is none', () => {
    for (const text of [
      '',
      FILE,
      'admin: off\n',
      'admin: { listen: off }\n',
      'admin: [1]\n',
      'no: [yaml',
      'admin: *none\n',
      '&a [*a]\n',
      '- 1\n',
    ])
      assert.deepEqual(findAdmin({}, {}, text), { url: new URL('http://127.0.0.1:8081'), token: undefined })
  })

  test('is asked at an address of this machine where it listens on all', () => {
    for (const [place, url] of [
      ['8081', 'http://127.0.0.1:8081'],
      ['0.0.0.0:8081', 'http://127.0.0.1:8081'],
      ['[::]:8081', 'http://[::1]:8081'],
      ['[::1]:8081', 'http://[::1]:8081'],
      ['lb.example.com:8081', 'http://lb.example.com:8081'],
      ['https://lb.example.com/rondo', 'https://lb.example.com/rondo'],
    ] as const)
      assert.deepEqual(findAdmin({}, {}, JSON.stringify({ admin: place })).url, new URL(url))
    const listen = { port: '${P}', host: '::', tls: { cert: '${NOT_SET}', key: 'a' } }
    const text = JSON.stringify({ admin: { listen, token: '${T}' } })
    assert.deepEqual(findAdmin({ token: TOKEN }, { P: '9' }, text).url, new URL('https://[::1]:9'))
  })

  for (const [what, given, expected] of [
    [
      'asks for a token',
      { status: 401, body: { detail: 'a token is needed' } },
      'asks for a token; give it with --token, or as RONDO_TOKEN',
    ],
    [
      'refuses the request',
      { status: 403, body: { detail: 'the Host "x" is not this machine\u001b[2J' } },
      'refuses this: the Host "x" is not this machine\\x1b[2J; name it as it names itself, as --admin http://127.0.0.1:8081',
    ],
    [
      'is another program',
      { status: 404, body: 'not found' },
      'is no admin API of a Rondo gateway; name that with --admin, as http://127.0.0.1:8081',
    ],
    [
      'is a page',
      { body: '<html>' },
      'is no admin API of a Rondo gateway; name that with --admin, as http://127.0.0.1:8081',
    ],
    [
      'is some other API',
      { body: { ok: true } },
      'is no admin API of a Rondo gateway; name that with --admin, as http://127.0.0.1:8081',
    ],
    [
      'fails',
      { status: 500, body: { detail: 'something went wrong' } },
      'answered 500: something went wrong',
    ],
  ] as const)
    test(`has one line that says it, and the mend, where it ${what}`, async (t) => {
      const { url } = await fakeAdmin(t, () => given)
      assert.deepEqual(await rondo(t, ['plan', 'next.yaml', '--admin', url], { 'next.yaml': FILE }), {
        code: 1,
        stdout: '',
        stderr: `${url} ${expected}\n`,
      })
    })

  test('has one line where it does not take the token', async (t) => {
    const { url } = await fakeAdmin(t, () => ({ status: 401, body: {} }))
    const { code, stderr } = await rondo(t, ['plan', 'next.yaml', '--admin', url, '--token', 'x'], {
      'next.yaml': FILE,
    })
    assert.deepEqual(
      [code, stderr],
      [1, `${url} does not take this token; give its own with --token, or as RONDO_TOKEN\n`],
    )
  })

  test('has one line where nobody listens, and where that speaks no HTTP', async (t) => {
    const mend = 'is the gateway running, with its admin API on? Name another address with --admin\n'
    const server = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-x\r\n')).listen(
      0,
      '127.0.0.1',
    )
    await once(server, 'listening')
    t.after(() => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const args = ['plan', 'next.yaml', '--admin']
    assert.equal(
      (await rondo(t, [...args, url], { 'next.yaml': FILE })).stderr,
      `${url} does not answer as HTTP; ${mend}`,
    )
    const none = 'http://127.0.0.1:1'
    const { stderr } = await rondo(t, [...args, none], { 'next.yaml': FILE })
    assert.equal(stderr, `${none} cannot be reached: nobody listens there; ${mend}`)
  })

  test('is not looked for at what is no address', async (t) => {
    const { code, stderr } = await rondo(t, ['plan', 'next.yaml', '--admin', 'ftp://a'], {
      'next.yaml': FILE,
    })
    assert.deepEqual(
      [code, stderr],
      [1, '--admin: "ftp://a" is no address; write it as http://127.0.0.1:8081\n'],
    )
  })

  test('cannot send escapes to the terminal', async (t) => {
    const escape = '\u001b]0;owned\u0007\u202e\n'
    const evil = {
      ...NOTHING,
      isEmpty: false,
      pools: {
        added: [
          {
            pool: escape,
            forwarder: escape,
            added: [{ id: escape, url: escape, weight: 1, returns: false }],
          },
        ],
        removed: [],
        changed: [],
      },
      others: [{ key: escape, from: escape, to: escape }],
    }
    for (const given of [
      { body: evil },
      {
        status: 422,
        body: { detail: escape, errors: [{ field: escape, detail: escape, line: 1, column: 1 }] },
      },
      { status: 422, body: { detail: escape } },
    ]) {
      const { url } = await fakeAdmin(t, () => given)
      const { stdout, stderr } = await rondo(t, ['plan', 'next.yaml', '--admin', url], { 'next.yaml': FILE })
      assert.match(stdout + stderr, /\\x1b\]0;owned\\x07/)
      assert.doesNotMatch(stdout + stderr, /\p{Cf}|(?!\n)\p{Cc}/u)
    }
  })
})

test('each line of a plan has its mark', () => {
  const drained = { id: 'a', url: 'http://a', inFlight: 2, timeout: 90_000 }
  const plan: Plan = {
    isEmpty: false,
    streams: 2,
    listeners: {
      opened: [{ listener: '8443', with: ['tls'] }],
      closed: [{ listener: '80', with: [], connections: null }],
      changed: [{ listener: '8080', with: ['redirect'], keys: [{ key: 'redirect', to: 8443 }] }],
    },
    pools: {
      added: [],
      removed: [{ pool: 'old', drained: [drained] }],
      changed: [
        {
          pool: 'api',
          forwarder: 'undici',
          added: [{ id: 'b', url: 'http://b', weight: 2, returns: true }],
          drained: [],
          weights: [],
          keys: [
            { key: 'sticky.secret', from: '(hidden)', to: '(hidden)' },
            { key: 'sticky.maxAge', from: 60, to: 5400 },
            { key: 'limits.body', from: 1_048_576, to: 1000 },
          ],
          kept: 0,
        },
      ],
    },
    routes: [
      { change: 'removed', from: 0, route: '{ pool: a }' },
      { change: 'moved', from: 2, at: 1, route: '{ pool: b }' },
    ],
    others: [],
  }
  assert.deepEqual(
    planLines(plan).map(({ mark, text }) => `${mark}|${text}`),
    [
      '#|listeners',
      '+|  + 8443 (tls)',
      '-|  - 80',
      '~|  ~ 8080 (redirect)',
      '~|    ~ redirect: (default) → 8443',
      '#|pools',
      '-|  - old: 1 worker',
      '-|    - a: http://a, 2 in flight, drained within 90s',
      '~|  ~ api: 0 workers kept',
      '+|    + b: http://b, weight 2, stays after all',
      '~|    ~ sticky.secret: another (hidden)',
      '~|    ~ sticky.maxAge: 1m → 90m',
      '~|    ~ limits.body: 1MiB → 1000B',
      '#|routes',
      '-|  - routes[0] { pool: a }',
      '~|  ~ routes[2 → 1] { pool: b }',
      ' |2 exchanges in flight on workers that go; what is not over when their time ends is cut',
    ],
  )
})

test('a plan says what takes a restart', () => {
  const others: Plan['others'] = [
    { key: 'processes', from: 1, to: 4, restart: true },
    { key: 'shutdown', from: 30_000, to: 5000 },
  ]
  const texts = (changes: Plan['others']): string[] =>
    planLines({ ...NOTHING, isEmpty: false, others: changes }).map(({ text }) => text)
  assert.deepEqual(texts(others).slice(0, -1), [
    'other keys',
    '  ~ processes: 1 → 4, which takes a restart',
    '  ~ shutdown: 30s → 5s',
  ])
  assert.equal(texts([{ key: 'processes', from: 2, to: 4 }])[1], '  ~ processes: 2 → 4')
})
