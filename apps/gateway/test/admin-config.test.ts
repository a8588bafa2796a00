import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { lineOf } from '../src/config/fault.ts'
import { parse } from '../src/config/load.ts'

const TOKEN = 'hush-hush-hush-hush'
const OPEN = 'may be reached from other machines, and asks for no token; give it one, as admin: '
const MEND = 'give 16 bytes or more, such as the output of "openssl rand -hex 32", in quotes'
const API = 'use off, an address such as "127.0.0.1:8081", or {listen: 8081, token: "${ADMIN_TOKEN}"}'
const ADDRESS = 'is no address; write it as 8081, "127.0.0.1:8081" or "[::1]:8081", or admin: off'
const or = (listen: string): string => `{listen: ${listen}, token: "\${ADMIN_TOKEN}"}, or use 127.0.0.1:8081`

suite('what is wrong with admin is told with its place and its mend', () => {
  for (const [text, line, env = {}] of [
    ['admin: 8081', `f:1:8: admin.listen: 8081 ${OPEN}${or('8081')}`],
    ['admin: 0.0.0.0:1', `f:1:8: admin.listen: "0.0.0.0:1" ${OPEN}${or('"0.0.0.0:1"')}`],
    ['admin: "[::]:1"', `f:1:8: admin.listen: "[::]:1" ${OPEN}${or('"[::]:1"')}`],
    ['admin: 128.0.0.1:1', `f:1:8: admin.listen: "128.0.0.1:1" ${OPEN}${or('"128.0.0.1:1"')}`],
    ['listen: 80\nadmin:\n  listen: 8081', `f:3:11: admin.listen: 8081 ${OPEN}${or('8081')}`],
    ['', `ADMIN: "8081" ${OPEN}${or('"8081"')}`, { ADMIN: '8081' }],
    ['admin: 127.0.0.1:1', `ADMIN: "8081" ${OPEN}${or('"8081"')}`, { ADMIN: '8081' }],
    ['admin: 99999', `f:1:8: admin.listen: 99999 ${ADDRESS}`],
    ['admin: on', `f:1:8: admin.listen: "on" ${ADDRESS}`],
    ['admin: { listen: "off" }', `f:1:18: admin.listen: "off" ${ADDRESS}`],
    ['admin: true', `f:1:8: admin: true is no admin API; ${API}`],
    ['admin:', `f:1:7: admin: is empty; ${API}`],
    ['admin: []', `f:1:8: admin: [] is no admin API; ${API}`],
    ['admin: { tokens: x }', 'f:1:10: admin.tokens: is unknown; did you mean "token"?'],
    ['admin: { token: hush }', `f:1:17: admin.token: (hidden) has 4 bytes; ${MEND}`],
    [`admin: { token: [${TOKEN}, hush] }`, `f:1:39: admin.token[1]: (hidden) has 4 bytes; ${MEND}`],
    [
      'admin: { token: hush hush hush hush }',
      `f:1:17: admin.token: (hidden) has characters that no header carries; ${MEND}`,
    ],
    ['admin: { token: 1234567890123456 }', `f:1:17: admin.token: (hidden) is no token; ${MEND}`],
    ['admin: { token: [] }', `f:1:17: admin.token: (hidden) is no token; ${MEND}`],
    [
      'listen: 127.0.0.1:80\nadmin: 127.0.0.1:80',
      'f:2:8: admin.listen: "127.0.0.1:80" is one of listen too; give the admin API a port of its own',
    ],
  ] as const satisfies readonly (readonly [string, string, NodeJS.ProcessEnv?])[])
    test(`${JSON.stringify(text)} ${JSON.stringify(env)}`, () => {
      assert.throws(() => parse('f', text, env), { name: 'ConfigError', message: line })
      assert.doesNotMatch(line, /hush/)
    })

  for (const ADMIN of ['', 'on', '127.0.0.1', '127.0.0.1:99999', ' 8081'])
    test(`ADMIN=${ADMIN}`, () => {
      assert.throws(() => parse('f', '', { ADMIN }), {
        name: 'OptionError',
        message: `ADMIN: ${JSON.stringify(ADMIN)} is no address; give "off", or one such as "127.0.0.1:8081"`,
      })
    })
})

suite('admin is', () => {
  const at = (host: string | undefined, port: number, tokens: readonly string[] = [], isDefault = false) => ({
    listen: { host, port },
    tokens,
    isDefault,
  })
  for (const [text, expected, env = {}] of [
    ['', at('127.0.0.1', 8081, [], true)],
    [`admin: { token: ${TOKEN} }`, at('127.0.0.1', 8081, [TOKEN], true)],
    ['admin: off', undefined],
    ['admin: "off"', undefined],
    ['admin: 127.0.0.1:8081', at('127.0.0.1', 8081)],
    ['admin: "[::1]:9000"', at('::1', 9000)],
    ['admin: localhost:9000', at('localhost', 9000)],
    ['admin: { listen: 127.9.9.9:1 }', at('127.9.9.9', 1)],
    [`admin: { listen: 8081, token: ${TOKEN} }`, at(undefined, 8081, [TOKEN])],
    [`admin: { listen: "[::]:1", token: [${TOKEN}, ${TOKEN}2] }`, at('::', 1, [TOKEN, `${TOKEN}2`])],
    ['admin: { token: "${T}" }', at('127.0.0.1', 8081, [TOKEN], true), { T: TOKEN }],
    ['admin: 127.0.0.1:1', undefined, { ADMIN: 'off' }],
    ['admin: off', at('127.0.0.1', 0), { ADMIN: '127.0.0.1:0' }],
    [`admin: { token: ${TOKEN} }`, at(undefined, 9000, [TOKEN]), { ADMIN: '9000' }],
  ] as const satisfies readonly (readonly [string, object | undefined, NodeJS.ProcessEnv?])[])
    test(`by ${JSON.stringify(text)} ${JSON.stringify(env)} ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(parse('f', text, env).config.admin, expected)
    })
})

suite('a warning says that tokens go over the network without TLS', () => {
  const WARNING =
    'admin.listen: the admin API is served without TLS to others than this machine, who may read its token on the way; listen on 127.0.0.1, or give it tls'
  for (const [text, expected] of [
    [`admin: { listen: 8081, token: ${TOKEN} }`, [`f:2:18: ${WARNING}`]],
    [`admin: { listen: 10.0.0.1:8081, token: ${TOKEN} }`, [`f:2:18: ${WARNING}`]],
    [`admin: { listen: 127.0.0.1:8081, token: ${TOKEN} }`, []],
    ['admin: off', []],
    ['', []],
  ] as const)
    test(JSON.stringify(text), () => {
      const { warnings } = parse('f', `metrics: off\n${text}`, {})
      assert.deepEqual(
        warnings.map((warning) => lineOf('f', warning)),
        expected,
      )
    })
})
