package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"snippets/webhook"
)

func main() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		var parts [6]string
		for index, part := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			bytes, err := base64.StdEncoding.DecodeString(part)
			if err != nil {
				panic(err)
			}
			parts[index] = string(bytes)
		}
		now, err := strconv.ParseInt(parts[5], 10, 64)
		if err != nil {
			panic(err)
		}
		accepted, err := webhook.Verify(parts[0], parts[1], parts[2], parts[3], []byte(parts[4]), time.Unix(now, 0))
		if err != nil {
			panic(err)
		}
		if accepted {
			fmt.Println(1)
		} else {
			fmt.Println(0)
		}
	}
}
