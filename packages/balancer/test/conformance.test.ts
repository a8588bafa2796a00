import { describe } from 'node:test'
import { asSent } from './contract/conformance/as-sent.ts'
import { closing } from './contract/conformance/closing.ts'
import { interims } from './contract/conformance/continue.ts'
import { forwarded } from './contract/conformance/forwarded.ts'
import { framing } from './contract/conformance/framing.ts'
import { hopByHopBack } from './contract/conformance/hop-by-hop-back.ts'
import { hopByHop } from './contract/conformance/hop-by-hop.ts'
import { hosts } from './contract/conformance/hosts.ts'
import { maxForwards } from './contract/conformance/max-forwards.ts'
import { methods } from './contract/conformance/methods.ts'
import { paths } from './contract/conformance/paths.ts'
import { responses } from './contract/conformance/responses.ts'
import { sequences } from './contract/conformance/sequences.ts'
import { trailers } from './contract/conformance/trailers.ts'
import { upgrades } from './contract/conformance/upgrades.ts'
import { startApp, startPlainApp } from './support/app.ts'
import { conforms, type Row } from './support/conformance.ts'
import { forwarders, type Lack } from './support/forwarders.ts'

type Theme = readonly [name: string, rows: (lacks: ReadonlySet<Lack>) => Row[]]

/** Where Express has read the request before, or might have written the response. */
const EITHER: readonly Theme[] = [
  ['hop by hop', hopByHop],
  ['who asks', forwarded],
  ['targets', paths],
  ['OPTIONS and TRACE', maxForwards],
  ['interim responses', interims],
  ['upgrades', upgrades],
]

const THEMES: readonly Theme[] = [
  ...EITHER,
  ['hop by hop, back', hopByHopBack],
  ['hosts', hosts],
  ['methods', methods],
  ['the framing of requests', framing],
  ['requests in a row', sequences],
  ['the framing of responses', responses],
  ['trailers', trailers],
  ['connections to workers', closing],
]

for (const [name, { create, lacks }] of Object.entries(forwarders)) {
  for (const [theme, rows] of THEMES)
    describe(`${theme}, by ${name} under Express`, () => conforms(create, rows(lacks), startApp))
  for (const [theme, rows] of EITHER)
    describe(`${theme}, by ${name} without Express`, () => conforms(create, rows(lacks), startPlainApp))
  describe(`line by line, by ${name}`, () => asSent(create, lacks))
}
