#!/bin/sh
# Builds dist/receiptsgate.jar with a JDK and nothing else. The classes of Openfire are stood for by api-stubs, which stay out of it.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/stubs" "$work/classes" "$work/plugin/lib" dist
javac --release 8 -Xlint:-options -d "$work/stubs" $(find api-stubs -name '*.java')
javac --release 8 -Xlint:all -Xlint:-options -Werror -cp "$work/stubs" -d "$work/classes" $(find src/main/java -name '*.java')
jar cf "$work/plugin/lib/plugin-receiptsgate.jar" -C "$work/classes" .
cp -r plugin.xml readme.html changelog.html web "$work/plugin/"
jar cf "$work/receiptsgate.jar" -C "$work/plugin" .
mv "$work/receiptsgate.jar" dist/receiptsgate.jar
echo "The plugin: $PWD/dist/receiptsgate.jar"
