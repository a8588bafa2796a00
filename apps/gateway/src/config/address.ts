/** Where to listen; every address of the machine where there is no host. */
export interface Address {
  readonly host: string | undefined
  readonly port: number
}

/** `8080`, `127.0.0.1:8080`, `[::1]:8080` or an object; undefined for anything else. */
export function readAddress(
  value: string | number | { readonly host?: string | undefined; readonly port: number },
): Address | undefined {
  if (typeof value === 'object') return { host: value.host?.replace(/^\[(.*)\]$/, '$1'), port: value.port }
  const [, ipv6, host, port] = /^(?:\[([\da-f:.]+)\]:|([^\s:/[\]]+):)?(\d{1,5})$/i.exec(String(value)) ?? []
  return port === undefined || Number(port) > 65_535 ? undefined : { host: ipv6 ?? host, port: Number(port) }
}

/** The same as a config file has it: `8080`, `127.0.0.1:8080` or `[::1]:8080`. */
export function showAddress({ host, port }: Address): string {
  return host === undefined ? String(port) : `${inUrl(host)}:${port}`
}

/** A host as URLs have it: an IPv6 address in brackets. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Whether an address is reached from this machine alone. Without a host, or by another name, it may be reached from elsewhere. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|::1|127(\.\d{1,3}){3})$/i.test(host)
}
