export { answerError, answerUpgradeError } from './answer-error.ts'
export { toTrust, type Client, type Trust } from './client.ts'
export {
  BadGatewayError,
  ContentTooLargeError,
  GatewayTimeoutError,
  HttpError,
  NoWorkerError,
  OptionError,
  RequestTimeoutError,
  WorkerFailure,
} from './errors.ts'
export { balanceTcp, type BalanceTcp } from './balance-tcp.ts'
export type { BalanceTcpOptions, ClosedTcp } from './tcp/options.ts'
export {
  acceptProxyProtocol,
  type AcceptProxyOptions,
  type ProxyRefusal,
} from './tcp/proxy-protocol-accept.ts'
export type { ProxyVersion } from './tcp/proxy-protocol.ts'
export { bySni, type BySni, type BySniOptions, type SniHandler, type SniRefusal } from './tcp/by-sni.ts'
export type { ClientHello } from './tcp/client-hello.ts'
export type { Drained, DrainOptions } from './drain.ts'
export type { FailoverOptions, RetryReason } from './failover.ts'
export type { Carried, Forwarder, Terms } from './forwarders/forwarder.ts'
export { reset } from './forwarders/dial.ts'
export { httpProxy, type HttpProxyOptions } from './forwarders/http-proxy.ts'
export type { HealthOptions } from './health/options.ts'
export type { Probe } from './health/probe.ts'
export { loadBalance, type LoadBalance, type LoadBalanceOptions } from './load-balance.ts'
export { metrics, renderMetrics, type MetricsOptions, type Pools } from './metrics/controller.ts'
export type { OwnCount } from './metrics/own-count.ts'
export { isWebSocket } from './refusal.ts'
export type { Limits } from './limits.ts'
export type { HeaderOptions } from './forwarders/request-headers.ts'
export type { Middleware, Next } from './middleware.ts'
export { originOf, parseOrigin } from './origin.ts'
export type { PoolOptions } from './pool-options.ts'
export type { PoolEvents, Updated } from './pool-events.ts'
export { createFollower, createPool } from './create-pool.ts'
export type { Pool } from './pool.ts'
export { checkPool } from './configuration.ts'
export type { RetryBudget } from './retry-budget.ts'
export { served, type Served } from './served.ts'
export { hash, type HashOptions } from './strategies/hash.ts'
export type { StrategyName, StrategyOption } from './strategies/index.ts'
export { ipHash } from './strategies/ip-hash.ts'
export { leastConnections } from './strategies/least-connections.ts'
export { leastResponseTime } from './strategies/least-response-time.ts'
export { randomTwoChoices } from './strategies/random-two-choices.ts'
export { roundRobin } from './strategies/round-robin.ts'
export type { Strategy } from './strategies/strategy.ts'
export { weightedRoundRobin } from './strategies/weighted-round-robin.ts'
export type { TlsOptions } from './tls.ts'
export type { KeepAlive, Timeouts } from './timeouts.ts'
export type { BreakerOptions, BreakerState } from './breaker.ts'
export type { LastProbe } from './health/poller.ts'
export type { Verdict } from './health/verdict.ts'
export type { Counts, WorkerCounts } from './counts.ts'
export type { Quantiles } from './recent.ts'
export type { PoolStats, WorkerStats } from './stats.ts'
export type { StickyOptions } from './sticky.ts'
export { planUpdate, type PlannedUpdate } from './worker-list.ts'
export type {
  AttemptCounts,
  Carrier,
  Connected,
  FailureKind,
  Lease,
  Outcome,
  Released,
  StatusClass,
  Worker,
  WorkerSpec,
} from './worker.ts'
