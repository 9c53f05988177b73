// Tests of NeedletailKernels.
