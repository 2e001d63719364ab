import fc from 'fast-check'
import { expect, it } from 'vitest'
import { whyNoFileName } from '../../src/entities/file-name.ts'
import { openTestHost, upload } from '../open-test-host.ts'

const DEVICES = [
  'CON',
  'prn',
  'Aux',
  'NUL',
  'COM0',
  'com1',
  'LPT9',
  'COM¹',
  'lpt²',
  'COM³',
  'ｃｏｎ',
  'conin$',
  'CONOUT$',
  'clock$',
  'ＮＵＬ',
  'COM①',
]
const INVISIBLE = [
  ...[
    '\u202e',
    '\u202a',
    '\u2066',
    '\u2069',
    '\u200e',
    '\u200f',
    '\u061c',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
  ],
  ...[
    '\ufeff',
    '\u00ad',
    '\u2028',
    '\u2029',
    '\u3164',
    '\uffa0',
    '\u115f',
    '\u034f',
    '\ufe0f',
    '\u{e0041}',
    '\u2800',
  ],
  ...['\0', '\n', '\x7f', '\x85', '\x9b', '\u180e', '\u17b4'],
]

it('refuses what an operating system takes for a device, however it is spelled', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...DEVICES),
      fc.constantFrom('', '.', '.txt', '.tar.gz', ' .txt', '  .a', ' '),
      (device, extension) => {
        expect(whyNoFileName(device + extension), device + extension).toBeDefined()
      },
    ),
  )
})

it('refuses characters that nobody sees, or that show a name as another one, wherever they stand', () => {
  const part = fc.string({ unit: 'grapheme-ascii', maxLength: 10 })
  fc.assert(
    fc.property(part, fc.constantFrom(...INVISIBLE), part, (before, invisible, after) => {
      expect(whyNoFileName(`a${before}${invisible}${after}b.txt`)).toBeDefined()
    }),
    { numRuns: 500 },
  )
})

it.each([
  'a.',
  'a ',
  'a. .',
  'a\u00a0',
  ' a',
  '\u3000a',
  'a\u2003',
  '.',
  '..',
  '',
  ' ',
  'a/b',
  'a\\b',
  'a:b',
  'a／b',
  'a＼b',
  '\ud800',
  'x'.repeat(256),
  'ü'.repeat(128),
])('refuses %j', (name) => expect(whyNoFileName(name)).toBeDefined())

it.each([
  'a.txt',
  '.htaccess',
  'Grüße 世界.txt',
  "it's (1); [2].txt",
  'com.txt',
  'COM10.txt',
  'console.log',
  'null.txt',
  'x'.repeat(255),
  '😀.png',
  'a：b.txt',
  'عربي.txt',
])('takes %j', (name) => expect(whyNoFileName(name)).toBeUndefined())

it('takes only names that are left as they are by whoever simplifies or trims them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (name) => {
      if (whyNoFileName(name) !== undefined) return
      expect(name.trim().replace(/[. ]+$/, '')).toBe(name)
      expect(name.normalize('NFKC')).not.toMatch(/[/\\]/)
      expect(name).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    }),
    { numRuns: 2_000 },
  )
})

it('refuses them in uploads, renames and folders alike', async () => {
  await using host = await openTestHost()
  await upload(host, 'a.txt', 'content')
  for (const name of ['COM¹.txt', 'conin$', 'invoice\u202efdp.exe', 'a\u200b.txt', 'nul .txt']) {
    expect((await upload(host, name, 'content')).status, name).toBe(400)
    expect(
      (await host.send('/api/File/1', { method: 'PUT', body: { name, folderId: 1 } })).status,
      name,
    ).toBe(400)
    expect((await host.send('/api/Folder', { body: { name } })).status, name).toBe(400)
  }
})
