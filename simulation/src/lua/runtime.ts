// biome-ignore-all lint/suspicious/noExplicitAny: stopgap
export class Table {
  arr: any[] = [];
  hash: Map<any, any> | undefined;
  get(k: any): any {
    if (typeof k === 'number') {
      if (k >= 1 && k <= this.arr.length && Number.isInteger(k)) return this.arr[k - 1];
    }
    return this.hash?.get(k);
  }
  set(k: any, v: any): void {
    if (typeof k === 'number' && Number.isInteger(k) && k >= 1 && k <= this.arr.length + 1) {
      if (k === this.arr.length + 1) {
        if (v === undefined) {
          this.hash?.delete(k);
          return;
        }
        this.arr.push(v);
        if (this.hash) {
          for (let n = k + 1; this.hash.has(n); n += 1) {
            this.arr.push(this.hash.get(n));
            this.hash.delete(n);
          }
        }
      } else if (v === undefined && k === this.arr.length) {
        this.arr.pop();
        while (this.arr.length && this.arr.at(-1) === undefined) this.arr.pop();
      } else this.arr[k - 1] = v;
      return;
    }
    if (v === undefined) this.hash?.delete(k);
    else {
      this.hash ??= new Map();
      this.hash.set(k, v);
    }
  }
}
export function fmt(n: number): string {
  if (Number.isInteger(n) && Math.abs(n) < 1e14) return String(n);
  if (Number.isNaN(n)) return 'nan';
  if (n === Infinity) return 'inf';
  if (n === -Infinity) return '-inf';
  // %.14g
  const e = Number(n.toExponential(13).split('e')[1]);
  if (e < -4 || e >= 14) {
    const [m = '', x = ''] = n.toExponential(13).split('e');
    const mm = m.includes('.') ? m.replace(/\.?0+$/, '') : m;
    const sign = x[0] === '-' ? '-' : '+';
    return `${mm}e${sign}${x.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  const s = n.toFixed(13 - e);
  return s.includes('.') ? s.replace(/\.?0+$/, '') : s;
}
const cache = new Map<string, RegExp>();
const CLASSES: Record<string, string> = {
  d: '0-9',
  w: 'A-Za-z0-9',
  a: 'A-Za-z',
  s: '\\s',
  l: 'a-z',
  u: 'A-Z',
  x: '0-9A-Fa-f',
  p: '!-\\/:-@\\[-`{-~',
};
function pattern(p: string): RegExp {
  let r = cache.get(p);
  if (r) return r;
  let out = '';
  let i = 0;
  if (p[0] === '^') {
    out += '^';
    i = 1;
  }
  const cls = (c: string): string => {
    const set = CLASSES[c.toLowerCase()];
    if (/[a-zA-Z]/.test(c)) {
      if (!set) throw new Error(`Lua pattern %${c}`);
      return c === c.toLowerCase() ? `[${set}]` : `[^${set}]`;
    }
    return `\\${c}`;
  };
  while (i < p.length) {
    const c = p[i] as string;
    let item = '';
    if (c === '(' || c === ')') {
      if (p[i + 1] === ')') throw new Error('position capture');
      out += c;
      i += 1;
      continue;
    }
    if (c === '$' && i === p.length - 1) {
      out += '$';
      i += 1;
      continue;
    }
    if (c === '%') {
      item = cls(p[i + 1] as string);
      i += 2;
    } else if (c === '[') {
      const end = p.indexOf(']', i + 2);
      item = p.slice(i, end + 1).replace(/%(.)/g, (_, x: string) => CLASSES[x] ?? `\\${x}`);
      i = end + 1;
    } else if (c === '.') {
      item = '[\\s\\S]';
      i += 1;
    } else {
      item = c.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
      i += 1;
    }
    const q = p[i];
    if (q === '*' || q === '+' || q === '?') {
      item += q;
      i += 1;
    } else if (q === '-') {
      item += '*?';
      i += 1;
    }
    out += item;
  }
  r = new RegExp(out, 'g');
  cache.set(p, r);
  return r;
}
const str = (v: any): string => {
  if (typeof v === 'string') return v;
  if (typeof v === 'number') return fmt(v);
  throw new Error(`string expected, got ${L.kind(v)}`);
};
function captures(m: RegExpExecArray): any[] {
  return m.length > 1 ? m.slice(1) : [m[0]];
}
export const L = {
  kind(v: any): string {
    if (v === undefined) return 'nil';
    if (v instanceof Table) return 'table';
    return typeof v;
  },
  t: (v: any): boolean => v !== undefined && v !== false,
  first: (r: any): any => (r === undefined ? undefined : r[0]),
  num(v: any): number {
    if (typeof v === 'number') return v;
    if (typeof v === 'string') {
      const n = L.tonumber(v)[0];
      if (n !== undefined) return n;
    }
    throw new Error(`attempt to perform arithmetic on a ${L.kind(v)} value`);
  },
  mod: (a: any, b: any): number => {
    const x = L.num(a);
    const y = L.num(b);
    return x - Math.floor(x / y) * y;
  },
  lt(a: any, b: any): boolean {
    if (typeof a === 'number' && typeof b === 'number') return a < b;
    if (typeof a === 'string' && typeof b === 'string') return a < b;
    throw new Error(`attempt to compare ${L.kind(a)} with ${L.kind(b)}`);
  },
  le(a: any, b: any): boolean {
    if (typeof a === 'number' && typeof b === 'number') return a <= b;
    if (typeof a === 'string' && typeof b === 'string') return a <= b;
    throw new Error(`attempt to compare ${L.kind(a)} with ${L.kind(b)}`);
  },
  concat(a: any, b: any): string {
    if (typeof a === 'string' && typeof b === 'string') return a + b;
    if ((typeof a !== 'string' && typeof a !== 'number') || (typeof b !== 'string' && typeof b !== 'number'))
      throw new Error(
        `attempt to concatenate a ${L.kind(typeof a === 'string' || typeof a === 'number' ? b : a)} value`,
      );
    return str(a) + str(b);
  },
  len(v: any): number {
    if (typeof v === 'string') return v.length;
    if (v instanceof Table) return v.arr.length;
    throw new Error(`attempt to get length of a ${L.kind(v)} value`);
  },
  get(t: any, k: any): any {
    if (t instanceof Table) return t.get(k);
    throw new Error(`attempt to index a ${L.kind(t)} value`);
  },
  set(t: any, k: any, v: any): void {
    if (!(t instanceof Table)) throw new Error(`attempt to index a ${L.kind(t)} value`);
    if (k === undefined) throw new Error('table index is nil');
    t.set(k, v);
  },
  table(list: any[], named?: [any, any][]): Table {
    const t = new Table();
    list.forEach((v, i) => {
      if (v !== undefined) t.set(i + 1, v);
    });
    for (const [k, v] of named ?? []) t.set(k, v);
    return t;
  },
  tonumber(v: any): any[] {
    if (typeof v === 'number') return [v];
    if (typeof v !== 'string') return [undefined];
    const s = v.trim();
    if (!/^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|0[xX][0-9a-fA-F]+)$/.test(s))
      return [undefined];
    return [Number(s)];
  },
  tostring: (v: any): any[] => [
    typeof v === 'string'
      ? v
      : typeof v === 'number'
        ? fmt(v)
        : v === undefined
          ? 'nil'
          : typeof v === 'boolean'
            ? String(v)
            : 'table: 0x0',
  ],
  type: (v: any): any[] => [L.kind(v)],
  unpack: (t: Table, i = 1, j = t.arr.length): any[] => {
    const out = [];
    for (let n = i; n <= j; n += 1) out.push(t.get(n));
    return out;
  },
  ipairs: (t: Table): any[] => [
    (s: Table, n: number) => (s.get(n + 1) === undefined ? [] : [n + 1, s.get(n + 1)]),
    t,
    0,
  ],
  pairs(): never {
    throw new Error('pairs');
  },
  error(message: any): never {
    throw new Error(String(message));
  },
  pcall(): never {
    throw new Error('pcall');
  },
  string_match(s: any, p: any): any[] {
    const r = pattern(str(p));
    r.lastIndex = 0;
    const m = r.exec(str(s));
    return m ? captures(m) : [undefined];
  },
  string_find(s: any, p: any, init = 1, plain = false): any[] {
    if (plain) {
      const at = str(s).indexOf(str(p), init - 1);
      return at < 0 ? [undefined] : [at + 1, at + str(p).length];
    }
    const r = pattern(str(p));
    r.lastIndex = init - 1;
    const m = r.exec(str(s));
    return m ? [m.index + 1, m.index + m[0].length, ...m.slice(1)] : [undefined];
  },
  string_gmatch(s: any, p: any): any[] {
    const all = [...str(s).matchAll(pattern(str(p)))];
    let n = 0;
    return [
      () => {
        const m = all[n];
        n += 1;
        return m ? captures(m as never) : [];
      },
      undefined,
      undefined,
    ];
  },
  string_gsub(s: any, p: any, by: any): any[] {
    let n = 0;
    const out = str(s).replace(pattern(str(p)), () => {
      n += 1;
      return str(by);
    });
    return [out, n];
  },
  string_sub(s: any, i: any, j: any = -1): any[] {
    const v = str(s);
    let a = L.num(i);
    let b = L.num(j);
    if (a < 0) a = Math.max(1, v.length + a + 1);
    if (a < 1) a = 1;
    if (b < 0) b = v.length + b + 1;
    return [v.slice(a - 1, Math.max(a - 1, b))];
  },
  string_format(f: any, ...args: any[]): any[] {
    let n = 0;
    return [
      str(f).replace(/%(\.\d+)?([dsfg%])/g, (all, precision: string | undefined, kind: string) => {
        if (kind === '%') return '%';
        const v = args[n];
        n += 1;
        if (kind === 's') return str(v);
        if (kind === 'd') return String(Math.trunc(L.num(v)));
        if (kind === 'f') return BigIntSafe(L.num(v), Number((precision ?? '.6').slice(1)));
        throw new Error(`format ${all}`);
      }),
    ];
  },
  string_len: (s: any): any[] => [str(s).length],
  string_lower: (s: any): any[] => [str(s).toLowerCase()],
  string_upper: (s: any): any[] => [str(s).toUpperCase()],
  math_abs: (v: any): any[] => [Math.abs(L.num(v))],
  math_ceil: (v: any): any[] => [Math.ceil(L.num(v))],
  math_floor: (v: any): any[] => [Math.floor(L.num(v))],
  math_max: (...v: any[]): any[] => [Math.max(...v.map((x) => L.num(x)))],
  math_min: (...v: any[]): any[] => [Math.min(...v.map((x) => L.num(x)))],
  table_concat: (t: Table, by = ''): any[] => [t.arr.map(str).join(by)],
  table_insert: (t: Table, v: any): any[] => {
    t.set(t.arr.length + 1, v);
    return [];
  },
};
function BigIntSafe(n: number, digits: number): string {
  return n.toFixed(digits);
}
