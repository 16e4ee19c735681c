// The Go side of paired measurements: a process that runs named benchmarks on request, a line of JSON each way,
// so that the runner can alternate it with ours in the same minutes.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

type request struct {
	Bench  string         `json:"bench"`
	Params map[string]any `json:"params"`
	Ms     float64        `json:"ms"`
}

type response struct {
	NsPerOp    float64 `json:"nsPerOp"`
	Operations int     `json:"operations"`
	Error      string  `json:"error,omitempty"`
}

func (r request) int(name string) int {
	v, ok := r.Params[name].(float64)
	if !ok {
		panic(fmt.Sprintf("benchmark %s needs the number %q", r.Bench, name))
	}
	return int(v)
}

// A benchmark is prepared once per set of parameters; what it returns runs the operation n times.
type prepare func(request) func(n int)

var benchmarks = map[string]prepare{}

var sink int

// counted, when a run sets it, is the part of that run that is measured: it made its inputs first.
var counted time.Duration

// cpuNow is the processor time of this process so far: all threads, the garbage collector's too. On a machine that
// others use as well, time on the wall would measure them.
func cpuNow() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func sample(run func(int), budget time.Duration) response {
	n := 1
	for {
		started := cpuNow()
		run(n)
		took := cpuNow() - started
		if took >= budget/4 || n >= 1<<28 {
			if scaled := float64(n) * float64(budget) / float64(took+1); scaled >= 1 && took < budget {
				n = int(scaled)
			}
			break
		}
		n *= 2
	}
	runtime.GC()
	counted = 0
	started := cpuNow()
	run(n)
	took := cpuNow() - started
	if counted > 0 {
		took = counted
	}
	return response{NsPerOp: float64(took.Nanoseconds()) / float64(n), Operations: n}
}

func main() {
	prepared := map[string]func(int){}
	lines := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var req request
		if err := json.Unmarshal(lines.Bytes(), &req); err != nil {
			_ = out.Encode(response{Error: err.Error()})
			continue
		}
		key, _ := json.Marshal([]any{req.Bench, req.Params})
		run, ok := prepared[string(key)]
		if !ok {
			make, known := benchmarks[req.Bench]
			if !known {
				_ = out.Encode(response{Error: "unknown benchmark " + req.Bench})
				continue
			}
			// One prepared benchmark at a time: a second ring in memory would burden the collector of the first.
			clear(prepared)
			runtime.GC()
			run = make(req)
			prepared[string(key)] = run
		}
		_ = out.Encode(sample(run, time.Duration(req.Ms*float64(time.Millisecond))))
	}
}
