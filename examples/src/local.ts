/**
 * Real Redis servers on this machine, made to fail. The sample of the README of @holdfast/local.
 */
// #region readme
import { startNodes } from '@holdfast/local';

const local = await startNodes(3); // real Redis servers on free ports, gone when this process is
const [first, second] = local.nodes;
await first?.kill(); // SIGKILL
await first?.start({ empty: true }); // at the same address, with all forgotten
await second?.freeze(); // it accepts connections and answers nothing
await second?.thaw();
console.log(local.nodes.map((node) => `${node.port} ${node.state}`));
await local.stop();
// #endregion readme
