// What wick.d.ts says is what wick.js is: `made` are the declarations that the compiler draws from the JSDoc of wick.js.
import { WickClient as Made } from 'made/wick.js';
import { WickClient as Written } from 'web/wick.js';

type Public<T> = { [K in keyof T as K extends `_${string}` ? never : K]: T[K] };
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

export const instance: Public<Written> = {} as Public<Made>;
export const statics: Pick<typeof Written, 'urlFor' | 'uuid'> = {} as typeof Made;
export const options: Same<ConstructorParameters<typeof Made>, ConstructorParameters<typeof Written>> = true;
export const events: Same<Made['onevent'], Written['onevent']> = true;
export const states: Same<Made['onstate'], Written['onstate']> = true;
export const request: Same<Parameters<Made['request']>, Parameters<Written['request']>> = true;
export const answer: Same<Made['answer'], Written['answer']> = true;
export const ask: Same<Made['ask'], Written['ask']> = true;
export const session: Same<Made['session'], Written['session']> = true;
export const nothing_more: Exclude<keyof Public<Made>, keyof Written | 'url' | 'events' | 'token'> extends never ? true : false = true;
