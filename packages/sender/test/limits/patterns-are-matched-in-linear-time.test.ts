import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compileLinearPattern } from '../../src/event-types/linear-pattern.ts'

const tests = (pattern: string, text: string) => compileLinearPattern(pattern).test(text, () => {})

function stepsOf(pattern: string, text: string): number {
  let steps = 0
  compileLinearPattern(pattern).test(text, (more) => {
    steps += more
  })
  return steps
}

/** Patterns of the usual parts, nested and repeated. */
const patterns = fc.letrec<{ part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '\\d',
      '\\w',
      '\\s',
      '\\u{1F600}',
      '😀',
      'é',
      '^',
      '$',
      '\\b',
      '\\B',
      '',
    ),
    fc
      .tuple(tie('part'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?'))
      .map(([part, many]) => `(?:${part})${many}`),
    fc.tuple(fc.constantFrom('?=', '?!'), tie('part')).map(([kind, part]) => `(${kind}${part})`),
    fc.tuple(tie('part'), tie('part')).map(([one, other]) => `${one}${other}`),
    fc.tuple(tie('part'), tie('part')).map(([one, other]) => `(${one}|${other})`),
  ),
})).part

const texts = fc
  .array(fc.constantFrom('a', 'b', '1', ' ', '\n', '_', '😀', 'é', '\ud800', '\u2028'), { maxLength: 8 })
  .map((chars) => chars.join(''))

it('matches what V8 matches', () => {
  fc.assert(
    fc.property(patterns, texts, (pattern, text) => {
      // V8 also looks between the halves of a character, where ECMA-262 does not.
      fc.pre(!/\\B|\(\?[=!]/.test(pattern) || !text.includes('😀'))
      expect(tests(pattern, text)).toBe(new RegExp(pattern, 'u').test(text))
    }),
    { numRuns: 2_000 },
  )
})

it.each([
  ['^[A-Z]{2}\\d{6,8}$', ['DE123456', 'DE12345', 'de123456']],
  ['^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$', ['a@example.com', 'a@b', '@example.com']],
  ['^#?([a-f0-9]{6}|[a-f0-9]{3})$', ['#a1b2c3', 'fff', '#ffff']],
  ['^(?<year>\\d{4})-(?<month>\\d\\d)$', ['2026-11', '26-11']],
  ['^\\p{Lu}\\p{L}*$', ['Ärger', 'ärger', 'A1']],
  ['^\\p{Script=Greek}+$', ['αβγ', 'abc']],
  ['^(?=.*\\d)(?=.*[a-z])(?!.*\\s).{8,}$', ['abcdefg1', 'abcdefgh', 'abc defg1', 'a1']],
  ['^(?!admin$|root$)[a-z]+$', ['admin', 'administrator', 'root', 'ada']],
  ['^(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)){3}$', ['1.2.3.4', '256.1.1.1']],
  [
    '^P(?:(\\d+W)|(?!.*W)(?=\\d|T\\d)(\\d+Y)?(\\d+M)?(T(?=\\d)(\\d+H)?)?)$',
    ['P1Y', 'P1W', 'PT1H', 'PT', 'P'],
  ],
  ['^(?=a)b|c', ['c', 'ab']],
  ['[\\]\\\\\\-^]', ['a]', '\\', '-', '^', 'a']],
  ['\\uD83D\\uDE00', ['😀', '\ud83d']],
  ['\\cA\\x41\\u0042\\0', ['\u0001AB\0', 'AB']],
  ['a||b', ['', 'c']],
  ['^\\s$', ['\u00a0', '\ufeff', 'a']],
  ['x{0}y', ['y', 'x']],
  ['^$', ['', '\n']],
])('reads %s as V8 does', (pattern, samples) => {
  for (const text of samples) expect(tests(pattern, text), text).toBe(new RegExp(pattern, 'u').test(text))
})

it.each([
  '^(a+)+$',
  '^(a|a)*$',
  '^(a|aa)+$',
  '^(a*)*b$',
  '(x+x+)+y',
  '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '\\d+\\d+\\d+\\d+x',
  '.*.*.*=.*',
  '^(?=(a+)+$)a',
  '(?:a?){30}a{30}',
  '^(?:(?:a|b)*a(?:a|b){50})$',
])('takes for %s as many steps as a text has characters, times what the pattern is long', (pattern) => {
  for (const text of ['a', 'x', '1', 'ab'].map((part) => part.repeat(2_000))) {
    expect(stepsOf(pattern, `${text}!`)).toBeLessThan(4 * text.length * pattern.length)
    const double = stepsOf(pattern, `${text}${text}!`)
    expect(double).toBeLessThanOrEqual(2.1 * stepsOf(pattern, `${text}!`) + 1)
  }
})

it.each([
  ['(a)\\1', 'backreference'],
  ['(?<x>a)\\k<x>', 'backreference'],
  ['(?<=a)b', 'lookbehind'],
  ['(?<!a)b', 'lookbehind'],
  ['(?:a{1000}){1000}', 'too large'],
  ['(?:){1000000000}', 'too large'],
  ['(?:(?:(?:a{30}){30}){30}){30}', 'too large'],
  ['a'.repeat(1_001), '1000 characters'],
  [`${'('.repeat(200)}a${')'.repeat(200)}`, 'nested'],
  ['(', 'Invalid regular expression'],
  ['[b-a]', 'Invalid regular expression'],
])('refuses %s', (pattern, why) => {
  expect(() => compileLinearPattern(pattern)).toThrow(why)
})
