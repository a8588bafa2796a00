import type { Scenario } from '../scenario.ts'
import { oneM, post16k, tenK } from './bodies.ts'
import { features } from './features.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { slowloris } from './slowloris.ts'
import { small, small1000 } from './small.ts'
import { tcpConnections, tcpDownload, tcpIdle, tcpUpload } from './tcp.ts'
import { tls } from './tls.ts'
import { websocket } from './websocket.ts'
import { workers } from './workers.ts'

/** Every scenario, in the order of the results. */
export const scenarios: readonly Scenario[] = [
  small,
  small1000,
  tenK,
  oneM,
  post16k,
  websocket,
  tls,
  latency(),
  slowloris(),
  features,
  workers,
  memory,
  tcpDownload,
  tcpUpload,
  tcpConnections,
  tcpIdle,
]

/** What `pnpm bench` measures when it is not told. */
export const DEFAULT_SCENARIOS: readonly string[] = ['small', '10k', '1m']

/** The name that stands for all scenarios of TCP. */
export const TCP = 'tcp'
