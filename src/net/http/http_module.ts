/**
 * Of Node's HTTP what servers need. Importing its module would read everything that it exports, also what is made when it is first read:
 * a client that brings all of `fetch` and takes 14 MB.
 */
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
