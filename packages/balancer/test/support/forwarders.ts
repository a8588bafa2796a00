import { httpProxy, type Forwarder } from '../../src/index.ts'

/** The forwarders that the contract is tested with; a new one is a row here. */
export const forwarders: Readonly<Record<string, () => Forwarder>> = {
  'http-proxy': () => httpProxy(),
}
