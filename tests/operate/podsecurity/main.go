// Podsecurity tells what the admission controller of Kubernetes would say about pods in a namespace of the level
// "restricted": it reads pod templates, a JSON document each, and prints a line for each fault.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		panic(err)
	}
	input := json.NewDecoder(os.Stdin)
	input.DisallowUnknownFields()
	for {
		var pod corev1.PodTemplateSpec
		if err := input.Decode(&pod); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			fmt.Println(err)
			return
		}
		restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				fmt.Printf("%s: %s\n", result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
	}
}
