"""The part of the scripts that is the same in each: how a token is known, edited, checked and put back.

POSIX sh, with nothing but cat, chmod, cmp, cp, cut, grep, mkdir, mv, rm, rmdir, sed, tr and wc beside nsc and a SHA-256
tool.
"""

COMMON = r"""
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
"""

APPLY = r"""
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
"""

VERIFY = r"""
may_push=
wrong=0

check() { # say whether the target is as promised
  if [ ! -f "$file" ]; then
    state=missing
    [ "$before" != absent:0 ] || state=$before
  elif ! is_meant; then
    state=missing
  else
    read_state
  fi
  case $state in
    "$after") printf 'ok        %s: %s bytes\n' "$label" "${after#*:}" ;;
    "$before") printf 'unchanged %s: still as before\n' "$label"; wrong=$((wrong + 1)) ;;
    missing) printf 'missing   %s: no such token\n' "$label"; wrong=$((wrong + 1)) ;;
    *) printf 'different %s: %s bytes, not as promised\n' "$label" "${state#*:}"; wrong=$((wrong + 1)) ;;
  esac
}
"""

ROLLBACK = r"""
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
"""
