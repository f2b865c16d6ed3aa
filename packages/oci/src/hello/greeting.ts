/** What `wharf run wharf/hello` says. */
export const greeting = `
Hello from Wharf!
This program came out of an image, runs in namespaces of its own, and ends now.

What just happened:
  1. The client asked the daemon to create a container from "wharf/hello".
  2. The daemon stacked the image's layer, and gave the container a network,
     limits and a system call filter.
  3. The supervisor started this program, and sent what it writes to you.

Try next:
  docker load < some-image.tar      any image that "docker save" wrote
  docker run -it IMAGE sh           the stock docker client works unmodified
`.slice(1);
