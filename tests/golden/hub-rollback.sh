#!/bin/sh
# rollback.sh: puts back the tokens from before these proposals.
#
#   hub-1 (safe): 2 accounts import 2 services each: a hub between them exports one wildcard
#
#   account hub: new -> 1196 bytes
#   account C0: 1064 -> 889 bytes
#   account C1: 1064 -> 889 bytes
# In all 2128 -> 2974 bytes, 846 more.
# Safety: safe. Takes effect on reissue; disturbs nothing; undo: exact.
#
# Pushed in this order (--push keeps to it); rollback.sh --push goes the other way:
#   1. account hub: new, nothing passes through it yet
#   2. account C0: loses nothing, no account here imports a service from it
#   3. account C1: loses nothing, no account here imports a service from it
#
# It restores each token byte for byte, from the copy that apply.sh kept, else from the text below. The creds
# files that nsc keeps are renewed where the users' keys are there.
# Where the new account tokens have been pushed, use --push: a server that misses the push of an old token
# gives its newer one back to all the others. So the old claims are signed again, with a new iat, and then
# pushed.
# An account that apply.sh made is removed, unless it has got users since; its key stays in the keystore. With
# --push it is taken off the servers as well, last, where they allow that (allow_delete of their resolver).
# Where they do not, it stays there, and the script says so and exits with 1; all else is done by then.
# Whoever else imports from it loses that.
# Nothing is pushed unless --push is given. nsc's own context (nsc.json) stays as it is. The script may be
# stopped at any time and run again.

set -eu

usage() {
  cat <<'END'
usage: sh rollback.sh [options]

Put back the tokens from before apply.sh.

options:
  --data-dir DIR      the stores directory, the one that holds the operator's
  --keystore-dir DIR  the directory with keys and creds
  -H DIR              both are DIR, as in nsc -H
  --operator NAME     the operator's directory, where it is not the one that was read
  --push              sign the old account claims again and push them, see above

Without directories, nsc is asked where the store is. NSC names another nsc than the one on PATH.

exit status:
  0  done, or done already
  1  nsc failed, for instance because a key is missing
  2  wrong usage
  4  the store is not the one that the plan was made from; nothing more is changed
  5  a token put back is not the one from before
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

removable() { # an account that was made goes again only if nobody put anything into it since
  [ "$before" != absent:0 ] || empty_but_token ||
    drift "was made by apply.sh and cannot be removed: it has users or other files in $directory"
}

restore() { # FUNCTION: put the token back byte for byte: the copy apply.sh kept, else the one in this script
  if [ "$before" = absent:0 ]; then
    unmoved
    removable
    [ ! -f "$file" ] || printf '%s: removed; its key %s stays in %s\n' "$label" "$subject" "$keys"
    take_away
    return 0
  fi
  case $state in "$before" | "$signed_again") return 0 ;; esac
  unmoved
  if [ -f "$kept/$id.jwt" ]; then cp "$kept/$id.jwt" "$work/back"; else "$1" >"$work/back"; fi
  put "$work/back"
  read_state
  [ "$state" = "$before" ] || fail 5 "$label: the token put back is not the one from before"
}

sign_again() { # a new iat, so that no server prefers the token that it holds; nsc writes these claims and no others
  [ "$kind" = account ] || return 0
  run_nsc delete mapping --account="$account" --from="$no_mapping" --private-key="$issuer" ||
    failed 'could not sign the token again'
  read_state
  [ "$state" = "$signed_again" ] || fail 5 "$label: signing it again did not yield what was predicted"
}

push_all() { # ACCOUNT...
  for account in "$@"; do
    label='push'
    run_nsc push --account="$account" || failed 'could not push; the store itself is as before'
  done
}

unserve() { # take the account off the servers; they need not allow it, and only nats resolvers know how
  run_nsc push --account-removal="$subject" && grep -q 'pruned nats-server' "$work/out" "$work/err" ||
    failed 'could not take it off the servers; where they do not allow that (allow_delete) it stays, unused'
}

# ---- the store, and its tokens that are edited: each with the states it may be in --------------------------

operator=op
operator_key=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
kept=$here/before-cd05bdf8e7a7

t1() {
  kind=account account=hub user=''
  label='account hub'
  subject=AC7CECRGJKNU472WTPWN65CD5DP453VHRIDKZIFYORTMYIR7LAUPDYCU
  issuer=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
  id=AC7CECRGJKNU472WTPWN65CD5DP453VHRIDKZIFYORTMYIR7LAUPDYCU
  target
  s0=absent:0
  s1=a58c3a38d1f2a1d1b91c0ae64085bf4e13ebae44209e137cc4c047affe943f67:705
  s2=7e493d3ccc67a8f566613ffb8de4ad7421a6d14ec488f2b8f7ed075a0d983a59:893
  s3=1688c4fc835aa74da0c286910015d95097a0e48d8301e85909919e9f2eb2bad8:1065
  s4=0a1836fd63f44e83c30e88aa2f70f60db5fa8d82450c434ec6949d08c93496f6:1196
  before=$s0 after=$s4
  signed_again=
  known="$s0 $s1 $s2 $s3 $s4"
}

t2() {
  kind=account account=C0 user=''
  label='account C0'
  subject=ABSQKUQW3JWTQYQVGK2HVHB33NBRG2GFCABLVSVAUR36MXU4HCUXYAMV
  issuer=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
  id=ABSQKUQW3JWTQYQVGK2HVHB33NBRG2GFCABLVSVAUR36MXU4HCUXYAMV
  target
  s0=1688c4fc835aa74da0c286910015d95097a0e48d8301e85909919e9f2eb2bad8:1064
  s1=e0c630d38c849dfd71e24e2d0b3ee12e872488ee66e85b8c539c9c3b5c49b109:892
  s2=a58c3a38d1f2a1d1b91c0ae64085bf4e13ebae44209e137cc4c047affe943f67:704
  s3=d34d6d00313ccf6a67d8bc50af35d424dba20d60ceb0efe9011d2ca2cc065d9f:889
  before=$s0 after=$s3
  signed_again=1688c4fc835aa74da0c286910015d95097a0e48d8301e85909919e9f2eb2bad8:1064
  no_mapping=permopt.no.mapping.0
  known="$s0 $s1 $s2 $s3 $signed_again"
}

t3() {
  kind=account account=C1 user=''
  label='account C1'
  subject=AA7L2JLCCTLIFCXUP6FWAAKMKG3ZSD3G2MWS373QQSDPSXAZU6DMRWIS
  issuer=OALE2SHATGP7BCZHQPCSQFJ5RAQUDHZR4YRJ4ARU4KGBOHRFR4VNFMH7
  id=AA7L2JLCCTLIFCXUP6FWAAKMKG3ZSD3G2MWS373QQSDPSXAZU6DMRWIS
  target
  s0=1688c4fc835aa74da0c286910015d95097a0e48d8301e85909919e9f2eb2bad8:1064
  s1=e0c630d38c849dfd71e24e2d0b3ee12e872488ee66e85b8c539c9c3b5c49b109:892
  s2=a58c3a38d1f2a1d1b91c0ae64085bf4e13ebae44209e137cc4c047affe943f67:704
  s3=d34d6d00313ccf6a67d8bc50af35d424dba20d60ceb0efe9011d2ca2cc065d9f:889
  before=$s0 after=$s3
  signed_again=1688c4fc835aa74da0c286910015d95097a0e48d8301e85909919e9f2eb2bad8:1064
  no_mapping=permopt.no.mapping.0
  known="$s0 $s1 $s2 $s3 $signed_again"
}

# ---- the tokens as they were read: public, as every token is -----------------------------------------------

b2() { # account C0
  tr -d '\n' <<'=END='
eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkp
KSkpKSkpKSkpKSkpKIiwiaWF0IjoxNzUwMDAwMDAwLCJpc3MiOiJPQUxFMlNIQVRHUDdCQ1pIUVBDU1FGSjVSQVFVREhaUjRZUko0QVJVNEtHQ
k9IUkZSNFZORk1INyIsIm5hbWUiOiJDMCIsInN1YiI6IkFCU1FLVVFXM0pXVFFZUVZHSzJIVkhCMzNOQlJHMkdGQ0FCTFZTVkFVUjM2TVhVNEh
DVVhZQU1WIiwibmF0cyI6eyJpbXBvcnRzIjpbeyJuYW1lIjoic3ZjLnAwLm0wIiwic3ViamVjdCI6InN2Yy5wMC5tMCIsInR5cGUiOiJzZXJ2a
WNlIiwiYWNjb3VudCI6IkFDWlY1TlJDM0szSkxVU0hBN1BXUDRQNklENEhRUjVZUkhUMlhQR0tTVkNOWU82TVNVRUM2RlZYIn0seyJuYW1lIjo
ic3ZjLnAxLm0wIiwic3ViamVjdCI6InN2Yy5wMS5tMCIsInR5cGUiOiJzZXJ2aWNlIiwiYWNjb3VudCI6IkFBQ01SUVdURTY3RDdWVUhWRU9ZW
lhVTUxBU1BMNlhEVldaUTNHVUtBRExFQVhTRUZTVlRTVjJQIn1dLCJsaW1pdHMiOnsic3VicyI6LTEsImRhdGEiOi0xLCJwYXlsb2FkIjotMSw
iaW1wb3J0cyI6LTEsImV4cG9ydHMiOi0xLCJ3aWxkY2FyZHMiOnRydWUsImNvbm4iOi0xLCJsZWFmIjotMX0sImRlZmF1bHRfcGVybWlzc2lvb
nMiOnsicHViIjp7fSwic3ViIjp7fX0sImF1dGhvcml6YXRpb24iOnt9LCJ0eXBlIjoiYWNjb3VudCIsInZlcnNpb24iOjJ9fQ.6NUGUIL1SWXh
4WNhB0zj9W14g7rQUDoBy1Tkgh5vv0Zr5U70ArG1sy_yGwCHUxyof_Np0uIuCiYpGVVUm1y2Bw
=END=
}

b3() { # account C1
  tr -d '\n' <<'=END='
eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkp
KSkpKSkpKSkpKSkpKIiwiaWF0IjoxNzUwMDAwMDAwLCJpc3MiOiJPQUxFMlNIQVRHUDdCQ1pIUVBDU1FGSjVSQVFVREhaUjRZUko0QVJVNEtHQ
k9IUkZSNFZORk1INyIsIm5hbWUiOiJDMSIsInN1YiI6IkFBN0wySkxDQ1RMSUZDWFVQNkZXQUFLTUtHM1pTRDNHMk1XUzM3M1FRU0RQU1hBWlU
2RE1SV0lTIiwibmF0cyI6eyJpbXBvcnRzIjpbeyJuYW1lIjoic3ZjLnAwLm0wIiwic3ViamVjdCI6InN2Yy5wMC5tMCIsInR5cGUiOiJzZXJ2a
WNlIiwiYWNjb3VudCI6IkFDWlY1TlJDM0szSkxVU0hBN1BXUDRQNklENEhRUjVZUkhUMlhQR0tTVkNOWU82TVNVRUM2RlZYIn0seyJuYW1lIjo
ic3ZjLnAxLm0wIiwic3ViamVjdCI6InN2Yy5wMS5tMCIsInR5cGUiOiJzZXJ2aWNlIiwiYWNjb3VudCI6IkFBQ01SUVdURTY3RDdWVUhWRU9ZW
lhVTUxBU1BMNlhEVldaUTNHVUtBRExFQVhTRUZTVlRTVjJQIn1dLCJsaW1pdHMiOnsic3VicyI6LTEsImRhdGEiOi0xLCJwYXlsb2FkIjotMSw
iaW1wb3J0cyI6LTEsImV4cG9ydHMiOi0xLCJ3aWxkY2FyZHMiOnRydWUsImNvbm4iOi0xLCJsZWFmIjotMX0sImRlZmF1bHRfcGVybWlzc2lvb
nMiOnsicHViIjp7fSwic3ViIjp7fX0sImF1dGhvcml6YXRpb24iOnt9LCJ0eXBlIjoiYWNjb3VudCIsInZlcnNpb24iOjJ9fQ.fRa1Z8CKpNG1
tpFxxHk0Lvyk_IQiXGPSzf8sqlxWEXHQUbzxx-4ilKzrpuYSfEf10D1H7rH_lKqu-ej_7V_xCQ
=END=
}

main() {
  options "$@"
  open_store
  for one in t1 t2 t3; do
    "$one"
    look
    removable
  done
  for number in 3 2 1; do
    "t$number"
    look
    restore "b$number"
  done
  echo 'The tokens are as before.'
  if [ -n "$push" ]; then
    for one in t3 t2; do
      "$one"
      look
      sign_again
    done
    push_all C1 C0
    t1
    unserve
    echo 'Pushed.'
  else
    echo 'If these have been pushed, push them again: rollback.sh --push'
    printf '  %s\n' \
      'account C1' \
      'account C0' \
      'account hub'
  fi
}

main "$@"; exit
