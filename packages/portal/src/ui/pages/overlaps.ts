/** For how long a key or a secret may stay valid after its rotation, in seconds. */
export const OVERLAPS = [
  [0, 'It ends at once'],
  [3_600, '1 hour'],
  [86_400, '1 day'],
  [3 * 86_400, '3 days'],
  [7 * 86_400, '7 days'],
] as const
