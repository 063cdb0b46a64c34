#!/bin/sh
# The types of examples/web/wick.js, judged by the TypeScript compiler: types/right.ts and the sample of docs/guide.md compile, every
# line of types/wrong.ts that says so does not, and wick.js is what wick.d.ts says.
. tests/lib/tools.sh
need_node types typescript
tsc=build/interop/node_modules/typescript/bin/tsc
web=$(pwd)/examples/web
cp -r tests/interop/types "$tmp/samples"

# compile NAME MORE-OPTIONS FILE...: what the compiler says goes to $tmp/NAME.log.
compile() {
    name=$1 more=$2
    shift 2
    files=$(printf '"%s",' "$@")
    cat > "$tmp/$name.json" << END
{"compilerOptions":{"strict":true,"allowJs":true,"checkJs":true,"target":"es2022","module":"es2022","moduleResolution":"bundler",
"lib":["es2022","dom","dom.iterable"],"types":[],$more"paths":{"web/*":["$web/*"],"made/*":["./made/*"]}},"files":[${files%,}]}
END
    "$NODE" "$tsc" -p "$tmp/$name.json" > "$tmp/$name.log"
}

# What the compiler draws from the JSDoc: away from the .d.ts, because it prefers that.
mkdir "$tmp/js"
for file in wick wick-transport; do
    sed "s|@import \(.*\) from './wick.js'|@import \1 from 'web/wick.js'|" "$web/$file.js" > "$tmp/js/$file.js"
done
compile made '"declaration":true,"emitDeclarationOnly":true,"outDir":"made","rootDir":"js",' js/wick.js

# The sample of the guide, with what it leaves to its reader.
{
    sed -n '/^```js$/,/^```$/p' docs/guide.md | grep -v '^```' | sed "s|'./wick.js'|'web/wick.js'|"
    echo 'declare function show(...all: unknown[]): void; declare function explain(text: string): void;'
    echo 'declare function write(run: string | undefined, text: string): void; declare function redraw(snapshot: object): void;'
    echo 'declare function question(asked: { question: string }, reply: (text: string) => void): void; run.invocation_id;'
} > "$tmp/samples/guide.ts"

compile all '"noEmit":true,' samples/right.ts samples/guide.ts samples/wrong.ts samples/same.ts "$web/wick.js"
grep -v -e '^ ' -e 'samples/[a-z]*\.ts(' "$tmp/all.log" > "$tmp/found"
check types/jsdoc "$tmp/found"
for sample in right guide same; do
    grep "samples/$sample\.ts(" "$tmp/all.log" > "$tmp/found"
    grep -q 'web/wick.js' "$tmp/samples/$sample.ts" || echo "there is no sample" >> "$tmp/found"
    [ -s "$tmp/made/wick.d.ts" ] || cat "$tmp/made.log" >> "$tmp/found"
    check "types/$sample" "$tmp/found"
done
grep -n '// wrong$' tests/interop/types/wrong.ts | sed 's/:.*//' | sort > "$tmp/want"
sed -n 's/^.*wrong\.ts(\([0-9]*\),.*error TS.*/\1/p' "$tmp/all.log" | sort -u > "$tmp/got"
diff "$tmp/want" "$tmp/got" > "$tmp/found"
check types/wrong "$tmp/found"
