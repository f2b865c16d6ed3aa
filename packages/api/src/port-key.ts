/** A key of `ExposedPorts` or `PortBindings` in full: `80`, and the `80/` that Compose before 2.25 sends, are `80/tcp`. */
export function portKey(text: string): string {
  const [port = '', protocol = ''] = text.split('/');
  return `${port}/${protocol === '' ? 'tcp' : protocol}`;
}
