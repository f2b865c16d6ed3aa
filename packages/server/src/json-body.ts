/** Far above any real request; keeps a client from filling the daemon's memory. */
export const jsonBodyLimit = 16 * 1024 * 1024;
