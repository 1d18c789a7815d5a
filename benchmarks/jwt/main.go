// What the jwt library takes to read tokens: list the directories, read the files, decode, check signature, issuer,
// claims and expiry.
//
//	jwt DIRECTORY drop|keep
//
// DIRECTORY is an operator's in an nsc store, or one of .jwt files of accounts with the operator's token beside them as
// operator.jwt. Prints seconds of processor time (all threads, so the collector's too), seconds by the clock, tokens
// read, and how many a server would refuse. One worker; `keep` holds on to all claims, as permopt does.
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/jwt/v2"
)

func main() {
	root, keep := os.Args[1], os.Args[2] == "keep"
	begun, start := time.Now(), clock()
	head := filepath.Join(root, "operator.jwt")
	if _, err := os.Stat(head); err != nil {
		head = filepath.Join(root, filepath.Base(root)+".jwt")
	}
	operator, err := jwt.DecodeOperatorClaims(read(head))
	check(err)
	trusted := map[string]bool{operator.Subject: !operator.StrictSigningKeyUsage}
	for _, key := range operator.SigningKeys {
		trusted[key] = true
	}
	owners := map[string]*jwt.AccountClaims{}
	count, refused := 1, 0
	var kept []jwt.Claims
	check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == head || !strings.HasSuffix(path, ".jwt") {
			return err
		}
		count++
		results := jwt.CreateValidationResults()
		var claims jwt.Claims
		if filepath.Base(filepath.Dir(path)) == "users" { // which come after their account
			user, err := jwt.DecodeUserClaims(read(path))
			if err != nil || !issued(user, owners) {
				refused++
				return nil
			}
			claims = user
		} else {
			account, err := jwt.DecodeAccountClaims(read(path)) // which checks the signature
			if err != nil || !trusted[account.Issuer] {
				refused++
				return nil
			}
			claims = account
			owners = map[string]*jwt.AccountClaims{account.Subject: account}
		}
		claims.Validate(results)
		if results.IsBlocking(true) { // expiry included
			refused++
		}
		if keep {
			kept = append(kept, claims)
		}
		return nil
	}))
	fmt.Println(clock()-start, time.Since(begun).Seconds(), count, refused)
	runtime.KeepAlive(kept)
}

// Whether the user's account is known, and vouches for who issued the user.
func issued(user *jwt.UserClaims, owners map[string]*jwt.AccountClaims) bool {
	owner := owners[user.Issuer]
	if user.IssuerAccount != "" {
		owner = owners[user.IssuerAccount]
	}
	return owner != nil && owner.DidSign(user) && !owner.IsClaimRevoked(user)
}

func read(path string) string {
	data, err := os.ReadFile(path)
	check(err)
	return string(bytes.TrimSpace(data))
}

func clock() float64 {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return float64(used.Utime.Sec+used.Stime.Sec) + float64(used.Utime.Usec+used.Stime.Usec)/1e6
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
