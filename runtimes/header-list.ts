/** Header lines `Name: value\r\n`, one text of Latin-1, as the flat list `[name, value, …]`: names as they came, in order and number. */
export function headerList(text: string): string[] {
  const list: string[] = []
  let at = 0
  while (at < text.length) {
    const colon = text.indexOf(":", at)
    const end = text.indexOf("\r\n", colon)
    list.push(text.slice(at, colon), text.slice(colon + 2, end))
    at = end + 2
  }
  return list
}
