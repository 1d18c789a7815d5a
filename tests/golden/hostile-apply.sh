#!/bin/sh
# apply.sh: carries out these proposals with nsc.
#
#   covered-entry-1 (safe): `orders.us` is covered by `orders.>`
#   duplicate-entry-2 (safe): `y\n` is there twice
#   covered-entry-3 (safe): one entry covers another
#   covered-entry-4 (safe): one entry covers another
#
#   user SHOP/web: 648 -> 632 bytes
#   user SHOP/\x1b[31mred\u202e: 628 -> 600 bytes
#   account SHOP: 1040 -> 1024 bytes
# In all 2316 -> 2256 bytes, 60 saved.
# Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
#
# Nothing is pushed unless --push is given. nsc's own context (nsc.json) stays as it is. The script may be
# stopped at any time and run again.
# nsc renews a user's creds file at every step: hand none out before the script is done.

set -eu

usage() {
  cat <<'END'
usage: sh apply.sh [options]

Carry out the plan with nsc.

options:
  --data-dir DIR      the stores directory, the one that holds the operator's
  --keystore-dir DIR  the directory with keys and creds
  -H DIR              both are DIR, as in nsc -H
  --operator NAME     the operator's directory, where it is not the one that was read
  --push              push the accounts afterwards: nothing is pushed otherwise

Without directories, nsc is asked where the store is. NSC names another nsc than the one on PATH.

exit status:
  0  done, or done already
  1  nsc failed, for instance because a key is missing
  2  wrong usage
  4  the store is not the one that the plan was made from; nothing more is changed
  5  an edit did not yield what was predicted; that token was put back
END
}

# ---- how it works: the same in every script that permopt writes ---------------------------------------------

umask 077
LC_ALL=C
export LC_ALL
unset CDPATH
me=${0##*/}
case $0 in */*) here=${0%/*} ;; *) here=. ;; esac
here=$(cd "$here/" && pwd)
start=$PWD
data= keys= push= work=

fail() { # CODE MESSAGE: say it and stop
  code=$1
  shift
  printf '%s: %s\n' "$me" "$*" >&2
  exit "$code"
}

drift() { # MESSAGE: the store is not the one that the plan was made from
  fail 4 "$label $*; nothing more is changed, make a new plan of the store as it is now"
}

options() { # take the arguments
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) usage; exit 0 ;;
      --data-dir=*) data=${1#*=} ;;
      --keystore-dir=*) keys=${1#*=} ;;
      --operator=*) operator=${1#*=} ;;
      --data-dir | --keystore-dir | --operator | -H | --all-dirs)
        [ $# -gt 1 ] && [ -n "$2" ] || fail 2 "$1 needs a value, see --help"
        case $1 in
          --data-dir) data=$2 ;;
          --keystore-dir) keys=$2 ;;
          --operator) operator=$2 ;;
          *) data=$2 keys=$2 ;;
        esac
        shift ;;
      --all-dirs=*) data=${1#*=} keys=${1#*=} ;;
      --push) [ -n "$may_push" ] || fail 2 "nothing to push, see --help"; push=1 ;;
      *) fail 2 "no such option, see --help" ;;
    esac
    shift
  done
}

row() { # LABEL: a value out of the table that `nsc env` prints, its abbreviated home directory written out
  value=$(sed -n "s/^| *$1 *|[^|]*| \(.*[^ ]\) *|\$/\1/p" "$work/env")
  case $value in '~'*) value=$HOME${value#?} ;; esac
  printf '%s\n' "$value"
}

absolute() { # PATH
  case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$start/$1" ;; esac
}

open_store() { # find nsc and the store; work on it with a context of our own, so that nsc.json stays as it is
  number=0
  until mkdir "${TMPDIR:-/tmp}/permopt.$$.$number" 2>/dev/null; do # one may be left of a script that was killed
    number=$((number + 1))
    [ "$number" -lt 100 ] || fail 1 'cannot make a temporary directory, set TMPDIR'
  done
  work=$(cd "${TMPDIR:-/tmp}/permopt.$$.$number" && pwd)
  trap 'cd / && rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  nsc=$(command -v "${NSC:-nsc}") || fail 1 'nsc is not to be found: put it on PATH, or set NSC'
  nsc=$(absolute "$nsc")
  if [ -z "$data" ] || [ -z "$keys" ]; then
    "$nsc" env </dev/null >"$work/env" 2>&1 || fail 1 'nsc env fails: say where the store is, see --help'
    [ -n "$data" ] || data=$(row 'Current Store Dir')
    [ -n "$keys" ] || keys=$(row '[$]NKEYS_PATH (deprecated)')
    [ -n "$data" ] && [ -n "$keys" ] || fail 1 'nsc env does not say where the store is, see --help'
  fi
  data=$(absolute "$data")
  keys=$(absolute "$keys")
  unset NSC_CWD_ONLY
  cd "$work" # nsc takes another operator where it is started inside a store
  if [ -z "$operator" ]; then
    for directory in "$data"/*; do
      [ -f "$directory/.nsc" ] || continue
      [ -z "$operator" ] || fail 2 'there are several operators: give --operator NAME'
      operator=${directory##*/}
    done
  fi
  store=$data/$operator
  [ -f "$store/.nsc" ] || fail 1 "no such operator in $data: say where the store is, see --help"
  label='the store'
  if grep -q '"managed"[[:space:]]*:[[:space:]]*true' "$store/.nsc"; then
    drift 'is managed: nsc may push every edit at once'
  fi
  run_nsc env --operator="$operator" || failed 'cannot open the store'
  if [ -n "$operator_key" ]; then
    run_nsc describe operator --field=sub || failed 'cannot read the operator'
    [ "$(cat "$work/out")" = "\"$operator_key\"" ] || drift 'belongs to another operator'
  fi
}

run_nsc() { # WORDS...: nsc on this store; its output is kept, for it may hold anything
  "$nsc" --config-dir="$work" --data-dir="$data" --keystore-dir="$keys" "$@" \
    </dev/null >"$work/out" 2>"$work/err"
}

failed() { # MESSAGE: nsc failed; show what it said, less what could steer a terminal
  cat "$work/out" "$work/err" | tr -cd '\012\040-\176' | cut -c 1-200 | sed -n '/^Usage:/q;s/^/  nsc: /p' >&2
  fail 1 "$label: nsc $*"
}

if command -v sha256sum >/dev/null 2>&1; then
  digest() { sha256sum; }
elif command -v shasum >/dev/null 2>&1; then
  digest() { shasum -a 256; }
else
  digest() { openssl dgst -sha256 -r; }
fi

target() { # the token that the next lines are about: its kind, account and user are set
  case $kind in
    user) file=$store/accounts/$account/users/$user.jwt ;;
    *) file=$store/accounts/$account/$account.jwt ;;
  esac
  directory=${file%/*}
}

describe() { # WORDS...: describe the target
  case $kind in
    user) run_nsc describe user --account="$account" --name="$user" --long-ids "$@" ;;
    *) run_nsc describe account --name="$account" --long-ids "$@" ;;
  esac
}

read_state() { # what the target is now: the hash of its claims, and its bytes; a copy shows if it moves again
  if [ ! -f "$file" ]; then
    state=absent:0
    rm -f "$work/seen"
    return 0
  fi
  cp "$file" "$work/seen"
  describe --field=nats || failed 'cannot read the token'
  state=$(digest <"$work/out")
  state=${state%% *}:$(($(wc -c <"$work/seen")))
}

unmoved() { # the target must be the one that was read last
  if [ "$state" = absent:0 ]; then [ ! -e "$file" ]; else cmp -s "$file" "$work/seen"; fi ||
    drift 'was changed by somebody else while this script ran'
}

look() { # read the target, which must be the token that was planned with, in a state that is known
  if [ "$before" = absent:0 ] && [ ! -f "$file" ]; then
    free
    read_state
    return 0
  fi
  [ -f "$file" ] || drift 'is not in the store'
  is_meant || { [ -s "$work/out" ] || failed 'cannot read the token'; drift 'is a token of another key'; }
  grep -q "^ \"iss\": \"$issuer\",\{0,1\}\$" "$work/out" || drift 'was signed by another key'
  read_state
  case " $known " in *" $state "*) ;; *) drift 'has changed since the plan was made' ;; esac
}

is_meant() { # whether the target is a token of the key that was planned with
  describe --json && grep -q "^ \"sub\": \"$subject\",\{0,1\}\$" "$work/out"
}

free() { # an account that is not made yet needs a name and a key that nobody else has
  empty_but_token || drift "is not made yet, and there are files in $directory"
  same=$(printf '%s\n' "$directory" | lower)
  if printf '%s\n' "$store/accounts"/* | grep -F -x -v -e "$directory" | lower | grep -F -x -q -e "$same"; then
    drift 'is not made yet, and another account has its name, in capital or small letters'
  fi
  run_nsc list accounts || failed 'cannot list the accounts'
  if cat "$work/out" "$work/err" | grep -q "$subject"; then
    drift "is not made yet, and its key $subject is that of another account"
  fi
}

lower() {
  tr '[:upper:]' '[:lower:]'
}

empty_but_token() { # whether an account's directory holds nothing but its token
  for each in "$directory"/* "$directory"/.[!.]* "$directory"/users/* "$directory"/users/.[!.]*; do
    case $each in "$file" | "$file.permopt" | "$directory/users") continue ;; esac
    [ ! -e "$each" ] || return 1
  done
}

take_away() { # the account, as if it had never been made
  rm -f "$file" "$file.permopt"
  for each in "$directory/users" "$directory"; do
    [ ! -d "$each" ] || rmdir "$each" || fail 1 "$label: cannot remove $each"
  done
}

put() { # FILE: make it the target's token again, and the creds file that nsc keeps beside it too
  # The copy takes over who may read the token.
  cp -p "$file" "$file.permopt" && cat "$1" >"$file.permopt" && mv -f "$file.permopt" "$file"
  creds=$keys/creds/$operator/$account/$user.creds
  if [ "$kind" = user ] && [ -f "$creds" ]; then
    run_nsc generate creds --account="$account" --name="$user" --output-file="$creds.permopt" &&
      mv -f "$creds.permopt" "$creds" ||
      printf '%s: %s: the creds file could not be renewed: nsc generate creds does it\n' "$me" "$label" >&2
  fi
}

may_push=1

need_key() { # without the key nsc would stop halfway; better not to begin
  letter=${issuer%"${issuer#?}"}
  rest=${issuer#?}
  [ -r "$keys/keys/$letter/${rest%"${rest#??}"}/$issuer.nk" ] ||
    fail 1 "$label: the key that signs it, $issuer, is not in $keys; nothing is changed"
}

keep() { # a copy of the token as it was, for this script and for rollback.sh; never of a creds file
  [ "$state" = "$before" ] && [ -f "$file" ] || return 0
  mkdir -p "$kept" && chmod 700 "$kept" && cp "$file" "$kept/$id.new" && mv -f "$kept/$id.new" "$kept/$id.jwt" ||
    fail 1 "cannot write to $kept; nothing more is changed"
}

step() { # BEFORE AFTER WORDS...: one nsc command, run only in the state it is meant for
  expected=$1 promised=$2
  shift 2
  [ "$state" = "$expected" ] || return 0
  unmoved
  if ! run_nsc "$@"; then
    cp "$work/out" "$work/said" && cat "$work/err" >>"$work/said"
    if [ "$state" != absent:0 ]; then
      cmp -s "$file" "$work/seen" || put "$work/seen"
    elif [ -f "$file" ] && is_meant; then
      take_away
    fi
    cp "$work/said" "$work/out" && : >"$work/err"
    failed 'could not make this edit, which is not made'
  fi
  reached
}

reached() { # the target must be as the step promised; else it is put back as it was before the first one
  read_state
  [ "$state" = "$promised" ] && return 0
  unmoved
  if [ "$before" = absent:0 ]; then
    empty_but_token || fail 5 "$label: an edit did not yield what was predicted, and other files came with it"
    take_away
  else
    [ -f "$kept/$id.jwt" ] || fail 5 "$label: an edit did not yield what was predicted, and $kept/$id.jwt is gone"
    put "$kept/$id.jwt"
  fi
  read_state
  [ "$state" = "$before" ] || fail 5 "$label: an edit did not yield what was predicted, nor is it back as it was"
  fail 5 "$label: an edit did not yield what was predicted; this token is again as it was before the first one"
}

each() { # BEFORE AFTER FLAG= WORDS...: one nsc command for each line of standard input, all of them one step
  expected=$1 promised=$2 flag=$3
  shift 3
  [ "$state" = "$expected" ] || return 0
  unmoved
  copy=$work/copy/$operator/accounts/$account
  rm -rf "$work/copy"
  mkdir -p "$copy" && cp "$store/.nsc" "$store"/*.jwt "$work/copy/$operator" && cp "$file" "$copy" ||
    fail 1 "$label: cannot write to $work; nothing more is changed"
  stores=$data data=$work/copy
  while IFS= read -r value; do
    [ -n "$value" ] && run_nsc "$@" "$flag$value" || failed 'could not make this edit, which is not made'
  done
  data=$stores
  unmoved
  put "$copy/${file##*/}"
  reached
}

finish() { # the target must be as promised now
  [ "$state" = "$after" ] || drift 'is not where its last step should have led'
  printf '%s: %s -> %s bytes\n' "$label" "${before#*:}" "${after#*:}"
}

push_all() { # ACCOUNT...: only when asked
  for account in "$@"; do
    label='push'
    run_nsc push --account="$account" || failed 'could not push; the store itself is as promised'
  done
}

# ---- the store, and its tokens that are edited: each with the states it may be in --------------------------

operator=op
operator_key=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
kept=$here/before-ae15c3cebc86

t1() {
  kind=user account=SHOP user=web
  label='user SHOP/web'
  subject=UC5TMK4U367BU4ERV5RQZ3D5JKRWOE3QFDY73QIGEOBURDU3LNVYGQ2C
  issuer=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS
  id=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS-UC5TMK4U367BU4ERV5RQZ3D5JKRWOE3QFDY73QIGEOBURDU3LNVYGQ2C
  target
  s0=789ee27e1015e03889fbc92f20b72a5f40fc1bfbf124c485c85d075e21126194:648
  s1=2861c201a117dda538e14689e309d104e0e6a5e839c78016b32aa203428c8dea:616
  s2=7c35894f73504ff5bcce6b7c81ea502535320e38b3ecf7ef04865814ded57862:632
  before=$s0 after=$s2
  known="$s0 $s1 $s2"
}

t2() {
  kind=user account=SHOP user="$(printf '\033[31mred\342\200\256')"
  label='user SHOP/\x1b[31mred\u202e'
  subject=UBRY3OQQTNM5I5JTKMLMYRJQ5YG2ZM37DYC6PVJC6OH3EJHKVRBB4RBO
  issuer=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS
  id=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS-UBRY3OQQTNM5I5JTKMLMYRJQ5YG2ZM37DYC6PVJC6OH3EJHKVRBB4RBO
  target
  s0=8229158b81f44215fe90418de922fc6c4aa581796de8ea3889b1dfc25a8ac1ca:628
  s1=685e3d229a0ec157aa173dfc2a28a06aff83926f86542b6c234e90a8aa0f1395:580
  s2=03fda7d9e9ab9a99c021c0d4e9af2444d9b4f2ebe25c6c080acb0c20dd3192fe:600
  before=$s0 after=$s2
  known="$s0 $s1 $s2"
}

t3() {
  kind=account account=SHOP user=''
  label='account SHOP'
  subject=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS
  issuer=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
  id=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS
  target
  s0=4a791efe2bb6ef6da0929cd4fd9eed89bd961548436b7f3f61bed840e1fb6ef1:1040
  s1=45f12aca79d539a4e07cdc7f72cbb9f803d8d75e4c98bf9108615d3b45b86bb4:1032
  s2=3b62d079569ed03acf62788eae14854805e540c70d113f0fdcd86ee228818f9a:1024
  before=$s0 after=$s2
  known="$s0 $s1 $s2"
}

# ---- the steps ---------------------------------------------------------------------------------------------

do1() { # user SHOP/web
  t1
  look
  keep

  # Step 1 of 6: covered-entry-1
  #   Why: `orders.us` is covered by `orders.>`
  #   Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
  step "$s0" "$s1" \
    edit user --account=SHOP --name=web \
      --private-key=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS \
      --rm=orders.us

  # Step 2 of 6: covered-entry-1
  #   This puts back what other lists keep: --rm took it out of all four.
  step "$s1" "$s2" \
    edit user --account=SHOP --name=web \
      --private-key=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS \
      --allow-sub=orders.us

  finish
}

do2() { # user SHOP/\x1b[31mred\u202e
  t2
  look
  keep

  # Step 3 of 6: duplicate-entry-2
  #   Why: `y\n` is there twice
  #   Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
  step "$s0" "$s1" \
    edit user --account=SHOP --name="$(printf '\033[31mred\342\200\256')" \
      --private-key=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS \
      --rm=--rm=x \
      --rm="$(printf '"y\012"')" \
      --rm="$(printf '"y\012"')"

  # Step 4 of 6: duplicate-entry-2
  #   This puts back what other lists keep: --rm took it out of all four.
  step "$s1" "$s2" \
    edit user --account=SHOP --name="$(printf '\033[31mred\342\200\256')" \
      --private-key=AA3SDT4C6C3GGGIRKNTDOHBBFV4PGQTCTVBM2WTKG6JAB6F674MRDGHS \
      --allow-sub="$(printf '"y\012"')"

  finish
}

do3() { # account SHOP
  t3
  look
  keep

  # Step 5 of 6: covered-entry-3
  #   Why: one entry covers another
  #   Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
  step "$s0" "$s1" \
    edit signing-key --account=SHOP --sk=ACJBCZOP7GN7HDAHD7FPRSPNS2S6VZI3Q53GBSO6FBS3JD2K7GGDRGVZ \
      --private-key=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7 \
      --rm=a.b

  # Step 6 of 6: covered-entry-4
  #   Why: one entry covers another
  #   Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
  step "$s1" "$s2" \
    edit account --name=SHOP \
      --private-key=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7 \
      --disallow-bearer=false \
      --wildcard-exports=true \
      --js-disable \
      --rm=d.x

  finish
}

main() {
  options "$@"
  open_store
  left=0
  for one in t1 t2 t3; do
    "$one"
    look
    [ "$state" = "$after" ] || { left=$((left + 1)); need_key; }
  done
  for one in do1 do2 do3; do "$one"; done
  if [ "$left" -eq 0 ]; then
    echo 'Already done: nothing was changed.'
  else
    echo 'Done. verify.sh checks it, rollback.sh takes it back.'
    echo 'These have effect once their new creds files are handed out:'
    printf '  %s\n' \
      'user SHOP/web' \
      'user SHOP/\x1b[31mred\u202e'
  fi
  if [ -n "$push" ]; then
    push_all SHOP
    echo 'Pushed.'
  else
    echo 'These have effect once they are pushed (--push, or nsc push):'
    printf '  %s\n' \
      'account SHOP'
  fi
}

main "$@"; exit
