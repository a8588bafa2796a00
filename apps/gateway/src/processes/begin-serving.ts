// Those signals may go to all processes of a terminal or a service at once, also before the rest is loaded: the leading
// process says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => {})

await import('./serve.ts')
