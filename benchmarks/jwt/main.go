// What the jwt library takes to read account tokens: read the file, decode, check signature, issuer, claims, expiry.
//
//	jwt FILE [keep]
//
// FILE names the operator's token and then the accounts' tokens, one path a line. Prints seconds of processor time (all
// threads, so the collector's too; without reading the list), seconds by the clock, tokens read, and how many a server
// would refuse. One worker; `keep` holds on to all claims, as permopt does.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/nats-io/jwt/v2"
)

func main() {
	paths := lines(os.Args[1])
	keep := len(os.Args) > 2
	runtime.GC()
	begun, start := time.Now(), clock()
	operator, err := jwt.DecodeOperatorClaims(read(paths[0]))
	check(err)
	trusted := map[string]bool{operator.Subject: !operator.StrictSigningKeyUsage}
	for _, key := range operator.SigningKeys {
		trusted[key] = true
	}
	refused := 0
	var kept []*jwt.AccountClaims
	for _, path := range paths[1:] {
		claims, err := jwt.DecodeAccountClaims(read(path)) // which checks the signature
		if err != nil || !trusted[claims.Issuer] {
			refused++
			continue
		}
		results := jwt.CreateValidationResults()
		claims.Validate(results)
		if results.IsBlocking(true) { // expiry included
			refused++
		}
		if keep {
			kept = append(kept, claims)
		}
	}
	fmt.Println(clock()-start, time.Since(begun).Seconds(), len(paths), refused)
	runtime.KeepAlive(kept)
}

func read(path string) string {
	data, err := os.ReadFile(path)
	check(err)
	return string(bytes.TrimSpace(data))
}

func lines(path string) (found []string) {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		found = append(found, scanner.Text())
	}
	check(scanner.Err())
	return found
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
