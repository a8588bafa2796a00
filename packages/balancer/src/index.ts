export { answerError } from './answer-error.ts'
export type { Client } from './client.ts'
export {
  BadGatewayError,
  GatewayTimeoutError,
  HttpError,
  NoWorkerError,
  OptionError,
  WorkerFailure,
} from './errors.ts'
export type { Carried, Forwarder } from './forwarders/forwarder.ts'
export { httpProxy, type HttpProxyOptions } from './forwarders/http-proxy.ts'
export type { HealthOptions } from './health/poller.ts'
export type { Probe } from './health/probe.ts'
export { loadBalance, type LoadBalance, type LoadBalanceOptions } from './load-balance.ts'
export { metrics } from './metrics/controller.ts'
export type { Middleware, Next } from './middleware.ts'
export { createPool, type Pool, type PoolOptions } from './pool.ts'
export { served, type Served } from './served.ts'
export type { StrategyName } from './strategies/index.ts'
export { roundRobin } from './strategies/round-robin.ts'
export type { Strategy } from './strategies/strategy.ts'
export type { Lease, Outcome, StatusClass, Worker, WorkerSpec } from './worker.ts'
