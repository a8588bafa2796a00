import { undici } from '../../src/forwarders/undici.ts'
import { httpProxy, type Forwarder } from '../../src/index.ts'

/** What a forwarder cannot do; each is a documented difference, and tested as one. */
export type Lack =
  | 'reason beyond ASCII'
  | 'unasked 100'
  | 'head before body'
  | 'TE in Connection'
  | 'use of a connection after chunks'
  | 'headers as they are'
  | 'version of a response'

interface Tested {
  readonly create: () => Forwarder
  readonly lacks: ReadonlySet<Lack>
}

/** The forwarders that the contract is tested with; a new one is a row here. */
export const forwarders: Readonly<Record<string, Tested>> = {
  'http-proxy': {
    create: () => httpProxy(),
    lacks: new Set(['use of a connection after chunks', 'headers as they are']),
  },
  undici: {
    create: () => undici(),
    lacks: new Set([
      'reason beyond ASCII',
      'unasked 100',
      'head before body',
      'TE in Connection',
      'version of a response',
    ]),
  },
}
