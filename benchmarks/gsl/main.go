// Which of the patterns in a file does another one cover, by nats-server's generic sublist.
//
//	gsl match|remove FILE
//
// Prints seconds of processor time (all threads, so the collector's too; without reading the file) and how many are
// covered. Distinct valid patterns, one a line. The sublist holds those with wildcards alone: a literal covers nothing,
// and to insert all of them takes three to ten times as long. A literal is asked for with HasInterest. A pattern with
// wildcards always finds itself, so either all its matches are looked at (match), or it is taken out for as long as
// HasInterest is asked (remove); which is faster depends on the patterns. `a.*` matches `a.>` as plain tokens without
// covering it, so what ends in `>` is always matched, and looks for another that does.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server/gsl"
)

func main() {
	remove := os.Args[1] == "remove"
	texts := read(os.Args[2])
	runtime.GC()
	start := clock()
	list := gsl.NewSublist[int32]()
	wild := make([]bool, len(texts))
	for i, text := range texts {
		if wild[i] = hasWildcard(text); wild[i] {
			check(list.Insert(text, int32(i)))
		}
	}
	covered := 0
	for i, text := range texts {
		tail := strings.HasSuffix(text, ">")
		found := false
		switch {
		case !wild[i]:
			found = list.HasInterest(text)
		case remove && !tail:
			check(list.Remove(text, int32(i)))
			found = list.HasInterest(text)
			check(list.Insert(text, int32(i)))
		default:
			list.Match(text, func(other int32) {
				if int(other) != i && (!tail || strings.HasSuffix(texts[other], ">")) {
					found = true
				}
			})
		}
		if found {
			covered++
		}
	}
	fmt.Println(clock()-start, covered)
}

func hasWildcard(text string) bool {
	for from := 0; from <= len(text); {
		to := strings.IndexByte(text[from:], '.')
		if to < 0 {
			to = len(text) - from
		}
		if to == 1 && (text[from] == '*' || text[from] == '>') {
			return true
		}
		from += to + 1
	}
	return false
}

func read(path string) (texts []string) {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		texts = append(texts, lines.Text())
	}
	check(lines.Err())
	return texts
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
