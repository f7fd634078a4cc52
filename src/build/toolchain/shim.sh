#!/bin/bash
# Stands for a program that may be on the machine. It is the server's tool cache that gives it where it is not, or where
# package.json names a version.
. "$PREAMP_TOOLCHAIN/nvm.sh"
name=${0##*/}
case $name in
  yarnpkg) tool=yarn ;;
  pnpx) tool=pnpm ;;
  bunx) tool=bun ;;
  *) tool=$name ;;
esac

range=
folder=$PWD
pattern='"packageManager"[[:space:]]*:[[:space:]]*"([a-z]+)@([0-9][0-9A-Za-z.-]*)'
while [[ $tool != corepack ]]; do
  if [[ -f $folder/package.json && $(< "$folder/package.json") =~ $pattern ]]; then
    if [[ ${BASH_REMATCH[1]} == "$tool" ]]; then range=${BASH_REMATCH[2]}; fi
    break
  fi
  [[ -n $folder ]] || break
  folder=${folder%/*}
done

if [[ -z $range ]]; then
  PATH=:$PATH:
  PATH=${PATH//":$HOME/.preamp-shims:"/:}
  PATH=${PATH#:}
  PATH=${PATH%:}
  found=$(type -P "$name")
  __preamp_put "${PREAMP_NODE_BIN-}"
  if [[ -n $found ]]; then exec "$found" "$@"; fi
fi

# As on Amplify, yarn is the first one where nothing is said.
if [[ $tool == yarn ]]; then default=1; else default='*'; fi
node=$(node -v 2> /dev/null)
node=${node#v}
__preamp_ask "$tool" "${range:-$default}" "${node%%-*}" || exit 127
exec "$__preamp_bin/$name" "$@"
