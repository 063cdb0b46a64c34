#!/bin/sh
# The types of examples/web/wick.js, judged by the TypeScript compiler: types/right.ts and the sample of docs/guide.md compile, every
# line of types/wrong.ts that says so does not, and wick.js is what wick.d.ts says.
. tests/lib/tools.sh
need_node types typescript
tsc=build/interop/node_modules/typescript/bin/tsc
web=$(pwd)/examples/web

# Modules by the names that the samples use. Away from the .d.ts, the compiler sees what the JSDoc says.
cp -r tests/interop/types "$tmp/samples"
config() {
    cat > "$tmp/$1.json" << END
{"compilerOptions":{"strict":true,"target":"es2022","module":"es2022","moduleResolution":"bundler","noEmit":true,
"lib":["es2022","dom","dom.iterable"],"types":[],$2"paths":{"web/*":["$web/*"],"made/*":["./made/*"]}},"files":["$3"]}
END
    "$NODE" "$tsc" -p "$tmp/$1.json"
}

config right "" samples/right.ts > "$tmp/found"
check types/right "$tmp/found"

# The sample of the guide, with what it leaves to its reader.
{
    sed -n '/^```js$/,/^```$/p' docs/guide.md | grep -v '^```' | sed "s|'./wick.js'|'web/wick.js'|"
    echo 'declare function show(...all: unknown[]): void; declare function explain(text: string): void;'
    echo 'declare function write(run: string | undefined, text: string): void; declare function redraw(snapshot: object): void;'
    echo 'declare function question(asked: { question: string }, reply: (text: string) => void): void; run.invocation_id;'
} > "$tmp/samples/guide.ts"
config guide "" samples/guide.ts > "$tmp/found"
grep -q WickClient.urlFor "$tmp/samples/guide.ts" || echo "there is no sample" >> "$tmp/found"
check types/guide "$tmp/found"

config wrong "" samples/wrong.ts > "$tmp/errors"
grep -n '// wrong$' tests/interop/types/wrong.ts | sed 's/:.*//' | sort > "$tmp/want"
sed -n 's/^.*wrong\.ts(\([0-9]*\),.*error TS.*/\1/p' "$tmp/errors" | sort -u > "$tmp/got"
diff "$tmp/want" "$tmp/got" > "$tmp/found"
check types/wrong "$tmp/found"

config jsdoc '"allowJs":true,"checkJs":true,' "$web/wick.js" > "$tmp/found"
check types/jsdoc "$tmp/found"

mkdir "$tmp/js" "$tmp/made"
for file in wick wick-transport; do
    sed "s|@import \(.*\) from './wick.js'|@import \1 from 'web/wick.js'|" "$web/$file.js" > "$tmp/js/$file.js"
done
config made '"allowJs":true,"noEmit":false,"declaration":true,"emitDeclarationOnly":true,"outDir":"made","rootDir":"js",' js/wick.js > "$tmp/log"
[ -s "$tmp/made/wick.d.ts" ] || cat "$tmp/log"
config same "" samples/same.ts > "$tmp/found"
check types/same "$tmp/found"
