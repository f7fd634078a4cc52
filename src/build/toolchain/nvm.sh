# nvm of Preamp, for bash: versions of Node come from the server's tool cache. The shell of a build reads this first, and so
# does what sources `$NVM_DIR/nvm.sh`. It must stand `set -eu`, and writes nothing while all goes well.
#
# On PATH come what npm installed globally, the programs of `shim.sh`, the Node in use, and all that was there.
export NVM_DIR="$HOME/.nvm"

# Asks for a tool: its name, range, version of Node. Sets __preamp_version and __preamp_bin, or says why not. The server is
# asked once for each, as what it gave stays until the job ends.
__preamp_ask() {
  local wish="$1 $2@${3-}" answers=$HOME/.preamp-tools id=$BASHPID$RANDOM$RANDOM waited=0 known
  local -a lines
  if ! [[ $wish =~ ^[a-z]+\ [A-Za-z0-9_.*^~\<\>=|/\ -]{1,64}@[0-9.]{0,20}$ ]]; then
    printf '%s\n' "$2 is no version" >&2
    return 1
  fi
  if [[ -f $answers ]]; then
    while IFS=$'\t' read -r known __preamp_version __preamp_bin; do
      if [[ $known == "$wish" ]]; then return 0; fi
    done < "$answers"
  fi
  printf '%s %s\n' "$id" "$wish" > "$PREAMP_TOOLCHAIN/request" || return 1
  until [[ -e $PREAMP_TOOLCHAIN/replies/$id ]]; do
    if (( waited++ > 10000 )); then
      printf '%s\n' 'The server does not answer' >&2
      return 1
    fi
    sleep 0.05
  done
  mapfile -t lines < "$PREAMP_TOOLCHAIN/replies/$id"
  if [[ ${lines[0]} != ok ]]; then
    printf '%s\n' "${lines[1]}" >&2
    return 1
  fi
  __preamp_version=${lines[1]} __preamp_bin=${lines[2]}
  printf '%s\t%s\t%s\n' "$wish" "$__preamp_version" "$__preamp_bin" >> "$answers"
}

# Puts a Node in front of that of the machine, which is in use where no folder is given.
__preamp_put() {
  local path=":$PATH:" front=":${npm_config_prefix-$HOME/.npm-global}/bin:" shims="$HOME/.preamp-shims:"
  if [[ -n ${PREAMP_NODE_BIN-} ]]; then path=${path//":$PREAMP_NODE_BIN:"/:}; fi
  path=${path//":$shims"/:}
  if [[ $path != *"$front"* ]]; then path=$front${path#:}; fi
  path=${path/"$front"/"$front$shims${1:+$1:}"}
  path=${path#:}
  export PATH=${path%:} PREAMP_NODE_BIN=$1
  # Addons in C find the headers beside the program, without a download.
  if [[ -n $1 ]]; then export npm_config_nodedir=${1%/bin}; else unset npm_config_nodedir; fi
  hash -r
}

# What .nvmrc says, of this folder or of one above it.
__preamp_rc() {
  local folder=$PWD line
  while :; do
    if [[ -f $folder/.nvmrc ]]; then
      while read -r line || [[ -n $line ]]; do
        line=${line%%#*}
        line=${line//[[:space:]]/}
        if [[ -n $line ]]; then
          printf '%s' "$line"
          return 0
        fi
      done < "$folder/.nvmrc"
    fi
    [[ -n $folder ]] || return 1
    folder=${folder%/*}
  done
}

# The version that is asked for: an argument, what an alias stands for, or .nvmrc.
__preamp_wish() {
  local wish=${1-} turns=0
  if [[ -z $wish ]] && ! wish=$(__preamp_rc); then
    echo 'nvm: name a version of Node, or write it to .nvmrc' >&2
    return 1
  fi
  while [[ $wish =~ ^[A-Za-z0-9_.-]+$ && -f $NVM_DIR/alias/$wish ]] && (( turns++ < 8 )); do
    read -r wish < "$NVM_DIR/alias/$wish" || [[ -n $wish ]]
  done
  printf '%s' "$wish"
}

# Finds the version that is asked for, as __preamp_ask does.
__preamp_find() {
  local wish
  wish=$(__preamp_wish "$1") || return 1
  if [[ $wish == system ]]; then
    __preamp_version='' __preamp_bin=''
  elif ! __preamp_ask node "$wish"; then
    echo "nvm: version $wish of Node is not to be had" >&2
    return 3
  fi
}

nvm() {
  local word=${1:-help} wish='' silent='' default='' argument
  local -a rest=()
  if (( $# )); then shift; fi
  while (( $# )); do
    argument=$1
    shift
    case $argument in
      --) rest+=("$@"); break ;;
      --lts) wish=lts ;;
      --lts=*) wish=lts/${argument#--lts=} ;;
      --silent | -s) silent=1 ;;
      --default) default=1 ;;
      --latest-npm) echo "nvm: the newest npm that comes with this Node's major version is used" >&2 ;;
      # About downloads and colours. What npm installed globally is there with each Node.
      --no-progress | --no-colors | --delete-prefix | --skip-default-packages | --reinstall-packages-from=* | -b) ;;
      --*)
        echo "nvm: $argument is not known here" >&2
        return 1
        ;;
      *)
        rest+=("$argument")
        if [[ $word == run || $word == exec ]]; then rest+=("$@"); break; fi
        ;;
    esac
  done
  case $word in
    install | i | use)
      __preamp_find "${wish:-${rest[0]-}}" || return
      __preamp_put "$__preamp_bin"
      if [[ -n $default ]]; then nvm alias default "${__preamp_version:-system}" > /dev/null; fi
      if [[ -z $silent ]]; then echo "Now using node $(node -v 2> /dev/null || echo of this machine, which has none)"; fi
      ;;
    run | exec)
      if [[ -z $wish ]] && (( ${#rest[@]} )); then
        wish=${rest[0]}
        rest=("${rest[@]:1}")
      fi
      __preamp_find "$wish" || return
      if [[ $word == run ]]; then rest=(node "${rest[@]}"); fi
      ( __preamp_put "$__preamp_bin"; "${rest[@]}" )
      ;;
    alias)
      mkdir -p "$NVM_DIR/alias"
      case ${#rest[@]} in
        0) ( shopt -s nullglob; for wish in "$NVM_DIR"/alias/*; do echo "${wish##*/} -> $(< "$wish")"; done ) ;;
        1) if [[ -f $NVM_DIR/alias/${rest[0]} ]]; then echo "${rest[0]} -> $(< "$NVM_DIR/alias/${rest[0]}")"; fi ;;
        *)
          if ! [[ ${rest[0]} =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]]; then
            echo "nvm: ${rest[0]} cannot be the name of an alias" >&2
            return 1
          fi
          echo "${rest[1]}" > "$NVM_DIR/alias/${rest[0]}"
          echo "${rest[0]} -> ${rest[1]}"
          ;;
      esac
      ;;
    unalias) rm -f -- "$NVM_DIR/alias/${rest[0]-}" ;;
    current) node -v 2> /dev/null || echo none ;;
    which | version)
      if [[ ${wish:-${rest[0]-}} == current ]]; then
        if [[ $word == which ]]; then type -P node; else nvm current; fi
        return
      fi
      (
        __preamp_find "${wish:-${rest[0]-}}" || exit
        __preamp_put "$__preamp_bin"
        if [[ $word == which ]]; then type -P node; else node -v; fi
      )
      ;;
    ls | list)
      wish=$(node -v 2> /dev/null || :)
      (
        shopt -s nullglob
        for argument in "$PREAMP_TOOLS"/node-*; do
          argument=v${argument##*/node-}
          if [[ -n ${PREAMP_NODE_BIN-} && $argument == "$wish" ]]; then echo "->   $argument"; else echo "     $argument"; fi
        done
      )
      if [[ -z ${PREAMP_NODE_BIN-} ]]; then echo "-> system ($wish)"; else echo '   system'; fi
      nvm alias
      ;;
    deactivate) __preamp_put '' ;;
    --version | -v) echo 0.40.0 ;;
    *)
      echo 'Usage: nvm install|use|run|exec|which|version|alias|unalias|ls|current|deactivate' >&2
      [[ $word == help || $word == --help ]]
      ;;
  esac
}
