/**
 * What is needed of Node's HTTP. An import of its module reads everything that it exports, also what is made when it is first
 * read: a client that brings all of `fetch` and takes 5 to 14 MB.
 */
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
