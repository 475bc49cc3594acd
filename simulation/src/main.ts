/** `npm run simulate`: the command line of the simulator. */
console.log('Nothing here yet.');
