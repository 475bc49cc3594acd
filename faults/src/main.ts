/** `npm run faults`: the command line of the faults. */
console.log('Nothing here yet.');
