import type { Scenario } from '../scenario.ts'
import { oneM, post16k, tenK } from './bodies.ts'
import { features } from './features.ts'
import { latency } from './latency.ts'
import { memory } from './memory.ts'
import { memoryOfProcesses } from './processes-memory.ts'
import { processes } from './processes.ts'
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
  ...processes,
  memoryOfProcesses,
]

/** What `pnpm bench` measures when it is not told. */
export const DEFAULT_SCENARIOS: readonly string[] = ['small', '10k', '1m']

/** Names that stand for all scenarios whose names begin so, with a hyphen behind. */
export const GROUPS: readonly string[] = ['tcp', 'processes']
