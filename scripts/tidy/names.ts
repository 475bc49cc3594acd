/**
 * Files say what they are: by their names, by their first lines, and without the paths of somebody's machine.
 */
import { isScript, isSource, judgeMatches, type Rule } from './files.js';

const DRAWER = /(?:^|\/)(common|utils?|helpers?|lib|misc)(?=\/|\.[^/]*$|$)/;
const TEST = /^(packages\/[^/]+|examples|benchmarks|simulation|faults)\/test\/.*\.ts$/;
// A letter, a dot or the like before it makes it a part of something longer, such as a URL.
const MACHINE = /(?<![\w.~}-])\/(?:work\/|root\/|(?:home|Users)\/\w+)/g;

/** No drawer into which anything could be put. */
export const drawers: Rule = (files) =>
  files.flatMap(({ path }) => {
    const [, name] = DRAWER.exec(path) ?? [];
    return name ? [{ path, line: 1, message: `"${name}" says nothing; name it for what is inside` }] : [];
  });

export const fileHeaders: Rule = (files) =>
  files
    .filter((file) => isSource(file) || isScript(file) || TEST.test(file.path))
    .filter(({ text }) => !/^(#!.*\n)?\s*\/\*\*/.test(text))
    .map(({ path }) => ({ path, line: 1, message: 'open the file with /** what it is for */' }));

export const machinePaths: Rule = (files) =>
  files.flatMap((file) =>
    judgeMatches(file, MACHINE, ([path]) => `${path} is a path of one machine; write a relative one`),
  );
