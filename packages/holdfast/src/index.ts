/**
 * holdfast: one import for the packages of Holdfast. It only re-exports: @holdfast/lock, @holdfast/fence and
 * @holdfast/fence/redis document what is here.
 */
export * from '@holdfast/fence';
export * from '@holdfast/fence/redis';
export * from '@holdfast/lock';
export * from '@holdfast/queue';
