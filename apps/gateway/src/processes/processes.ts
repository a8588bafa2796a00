import {
  createPool,
  renderMetrics,
  type Drained,
  type OwnCount,
  type Pool,
  type Verdict,
} from '@rondo/balancer'
import { logLiveness } from '../access-log.ts'
import type { Config } from '../config/config.ts'
import type { TcpListen } from '../config/tcp-config.ts'
import { perform, type Deed } from '../deeds.ts'
import type { Frontend, ServingStats } from '../frontend.ts'
import { isTaken, type Listening, type Prepared } from '../listeners.ts'
import { openLog } from '../log.ts'
import { openPools, type OpenPool, type Running } from '../pools.ts'
import { processCounts } from '../process-counts.ts'
import { refusalsOf } from '../refusals.ts'
import { Crew, type Lead } from './crew.ts'
import { Drainings, later } from './drainings.ts'
import { Listenings } from './listenings.ts'
import type { Note, Order, Shown } from './messages.ts'
import { Ports } from './ports.ts'
import type { ServingProcess } from './serving-process.ts'
import { withTickets } from './tickets.ts'

/** So often other ports are tried where 0 means any, and somebody else was quicker. */
const TRIES = 5

/** What is to be in force. */
interface Chosen {
  readonly config: Config
  /** The same with ports in the place of 0, and tickets. */
  readonly filled: Config
}

/**
 * Traffic is taken by other processes; this one leads them. It alone polls workers, and tells the others who is alive;
 * they tell it what they count, so that its pools know the whole.
 */
export class Processes implements Frontend, Lead {
  readonly onFailure: (error: Error) => void
  readonly #ports = new Ports()
  readonly #crew = new Crew(this)
  readonly #listenings = new Listenings(this.#ports, () => this.#crew.all)
  readonly #drainings = new Drainings()
  #state: (Chosen & { readonly running: ReadonlyMap<string, Running> }) | undefined
  #pools: ReadonlyMap<string, Pool> = new Map()

  /** `onFailure` is told when there is no keeping of a place: each process that takes it falls. */
  constructor(onFailure: (error: Error) => void) {
    this.onFailure = onFailure
  }

  get pools(): ReadonlyMap<string, Pool> {
    return this.#pools
  }

  get listeners(): readonly Listening[] {
    return this.#listenings.of(this.#state?.config.listen ?? [])
  }

  get tcp(): readonly Listening<TcpListen>[] {
    return this.#listenings.of(this.#state?.config.tcp ?? [], true)
  }

  get processes(): readonly ServingStats[] {
    return Array.from(this.#crew.all, ({ number, pid, state, startedAt, stalls, report }) => {
      const connections = Object.values(report?.connections ?? {}).reduce((sum, count) => sum + count, 0)
      return { number, pid, state, startedAt, rss: report?.rss ?? 0, connections, stalls }
    }).toSorted((one, other) => one.number - other.number || one.startedAt - other.startedAt)
  }

  counts(): OwnCount[] {
    const { serving, falls, stalls } = this.#crew
    return [refusalsOf(this), ...processCounts(serving.length, falls, stalls)]
  }

  settle(): Promise<void> {
    return this.#crew.settle()
  }

  async show(accept: string | undefined): Promise<Shown> {
    await this.settle()
    return renderMetrics(() => this.#pools, accept, this.counts())
  }

  async prepare(config: Config): Promise<Prepared> {
    await openLog(config.log).close() // what hinders one hinders all
    for (let tries = 1; ; tries++) {
      try {
        const current = this.#state?.filled
        const filled = withTickets(await this.#ports.fill(config, current), current)
        const { take, drop } = await this.#crew.prepare(filled)
        return {
          drop,
          take: (bound) => {
            try {
              this.#take({ config, filled }, () => take(bound))
            } catch (thrown) {
              drop() // lest the others wait for a decision
              throw thrown
            }
          },
        }
      } catch (error) {
        // Somebody else may have been quicker to take a port that was free.
        const isLost = isTaken(error as Error) && this.#ports.forget(this.#state?.filled)
        if (!isLost || tries === TRIES) throw error
      }
    }
  }

  perform(deed: Deed, config?: Config): Promise<Drained> | undefined {
    const pool = (): Pool | undefined => this.#pools.get(deed.pool)
    const over = perform(this.#pools, deed)
    const drain = this.#drainings.begin(deed, pool())
    if (config) this.#crew.edit(config.pools)
    this.#crew.tell({ kind: 'deed', deed: drain ? later(drain) : deed })
    // One that has left elsewhere already, and comes back, is new there.
    if (deed.do === 'update') this.#crew.tell({ kind: 'verdicts', verdicts: this.#verdicts() })
    return over?.then((drained) => {
      const end = drain && !drained.calledOff && this.#drainings.end(drain, pool())
      if (end) this.#crew.tell({ kind: 'deed', deed: end })
      return drained
    })
  }

  /** Has other processes take the place of those that serve, one by one, each in a turn of its own. @throws what hinders one. */
  replace(inTurn: (deed: () => Promise<void>) => Promise<void>): Promise<void> {
    return this.#crew.replace(this.#state?.config.shutdown ?? 0, inTurn)
  }

  async close(bound: number): Promise<boolean> {
    const isWhole = await this.#crew.close(bound)
    await Promise.all(Array.from(this.#pools.values(), (pool) => pool.close({ timeout: 1 })))
    return isWhole
  }

  briefing(): Order[] {
    const deeds = this.#drainings.deeds(this.#pools)
    return [
      ...deeds.map((deed) => ({ kind: 'deed', deed }) as const),
      { kind: 'verdicts', verdicts: this.#verdicts() },
    ]
  }

  note(from: ServingProcess, { counts = {}, refused }: Note): void {
    for (const [name, counted] of Object.entries(counts)) this.#pools.get(name)?.count(counted, from)
    this.#listenings.add(refused)
  }

  onEnd(one: ServingProcess): void {
    for (const pool of this.#pools.values()) pool.forget(one)
  }

  #take(chosen: Chosen, takeAll: () => void): void {
    const means = { open: this.#openPool, forwarders: undefined }
    const { pools: running, letGo } = openPools(chosen.config, this.#state, means)
    this.#state = { ...chosen, running }
    this.#pools = new Map(Array.from(running, ([name, { pool }]) => [name, pool]))
    takeAll()
    letGo()
  }

  #verdicts(): ReadonlyMap<string, readonly Verdict[]> {
    return new Map(Array.from(this.#pools, ([name, pool]) => [name, pool.verdicts()]))
  }

  readonly #openPool: OpenPool = (workers, options, name) => {
    const pool = createPool(workers, options, () => this.#crew.settleWholly())
    const tell = (
      { id, url: { href: url } }: Pool['workers'][number],
      alive: boolean,
      reason: string,
    ): void =>
      this.#crew.tell({ kind: 'verdicts', verdicts: new Map([[name, [{ id, url, alive, reason }]]]) })
    pool.on('up', (worker, reason) => tell(worker, true, reason))
    pool.on('down', (worker, reason) => tell(worker, false, reason))
    logLiveness(pool) // behind those above: what the log says, all have been told
    return pool
  }
}
