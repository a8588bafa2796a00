/** All but visible ASCII without quotes and backslashes; the second lets spaces pass. */
const NOT_IN_WORD = /[^!#-[\]-~]/g
const NOT_IN_SENTENCE = /[^ !#-[\]-~]/g
/** What moves a cursor, turns the direction of a text or is not seen. */
const NOT_IN_LINE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * What a client or a worker chose, fit for one field of a line in the log: it can begin no new line, end no quotes,
 * make up no other field and move no terminal's cursor. What isn't visible ASCII becomes `\xNN` or `\uNNNN`, and
 * so do quotes, backslashes and spaces; what is longer than `most` characters ends in `…`.
 */
export function word(text: string, most = 2000): string {
  return escaped(text, most, NOT_IN_WORD)
}

/** The same for what may have spaces, such as an error's message. */
export function sentence(text: string, most = 2000): string {
  return escaped(text, most, NOT_IN_SENTENCE)
}

/** A line for a terminal, in all languages and with quotes: what it could not show, or would obey, is escaped. */
export function line(text: string): string {
  return text.replaceAll(NOT_IN_LINE, code)
}

function escaped(text: string, most: number, unsafe: RegExp): string {
  const isLong = text.length > most
  return `${(isLong ? text.slice(0, most) : text).replace(unsafe, code)}${isLong ? '…' : ''}`
}

function code(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16)
  if (hex.length > 4) return `\\u{${hex}}`
  return hex.length > 2 ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`
}
